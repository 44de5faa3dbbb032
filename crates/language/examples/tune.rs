#![allow(clippy::all)]
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::allow_attributes_without_reason)]
mod support;
use auscult_language::safety::{Triage, train};
use support::safety_data::*;
fn main() -> anyhow::Result<()> {
    let corpus = Corpus::read("/work/shared/data".as_ref())?;
    let base = Triage::standard();
    let examples: Vec<_> = corpus.items.iter().map(|i| base.example(&i.text, i.label, i.weight)).collect();
    for spec in std::env::args().skip(1) {
        let v: Vec<f32> = spec.split(',').map(|x| x.parse().unwrap()).collect();
        let settings = train::Settings { passes: v[0] as usize, rate: v[1], decay: v[2], ..Default::default() };
        let mut out: Vec<(&'static str, bool, f32, f32)> = vec![];
        for fold in 0..FOLDS {
            let tr: Vec<_> = corpus.items.iter().zip(&examples).filter(|(i, _)| i.fold != fold).map(|(_, e)| e.clone()).collect();
            let t = Triage::standard().with_model(train::fit(&tr, settings));
            for i in corpus.items.iter().filter(|i| i.fold == fold) { let a = t.assess(&i.text); out.push((i.set, i.label, t.probability(&i.text), a.score)); }
        }
        print!("{spec}: ");
        for set in ["ade", "phee", "patient_language"] {
            for which in [0, 1] {
                let g = |o: &(&str, bool, f32, f32)| if which == 0 { o.2 } else { o.3 };
                let mut pos: Vec<f32> = out.iter().filter(|o| o.0 == set && o.1).map(g).collect();
                pos.sort_by(f32::total_cmp);
                let neg: Vec<f32> = out.iter().filter(|o| o.0 == set && !o.1).map(g).collect();
                let th = pos[(pos.len() as f64 * 0.03) as usize];
                let fp = neg.iter().filter(|n| **n >= th).count();
                let auc: f64 = neg.iter().map(|n| pos.len() as f64 - pos.partition_point(|p| p <= n) as f64).sum::<f64>() / (pos.len() * neg.len()) as f64;
                let nhs = out.iter().filter(|o| o.0 == "nhs_feedback" && g(o) >= th).count() as f64 / 11014.0;
                print!("[{set} {} auc {auc:.4} th {th:.3} load {:.3} nhs {nhs:.3}] ", if which == 0 { "lin" } else { "all" }, (fp as f64 + pos.len() as f64 * 0.97) / (pos.len() + neg.len()) as f64);
            }
        }
        println!();
    }
    Ok(())
}
