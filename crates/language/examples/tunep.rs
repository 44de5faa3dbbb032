#![allow(clippy::all)]
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::allow_attributes_without_reason)]
mod support;
use auscult_language::privacy::*;
use support::privacy_data::*;
use std::collections::BTreeMap;
fn main() -> anyhow::Result<()> {
    let corpus = Corpus::read("/work/shared/data".as_ref())?;
    println!("tagged {}", corpus.tagged.len());
    let base = Redactor::standard();
    let show = std::env::var("SHOW").unwrap_or_default();
    for spec in std::env::args().skip(1) {
        let v: Vec<f32> = spec.split(',').map(|x| x.parse().unwrap()).collect();
        let settings = train::Settings { passes: v[0] as usize, hidden_lists: v[1] as u64, recall_margin: v[2], name_bias: v[3], ..Default::default() };
        let mut rec: BTreeMap<String, Recall> = BTreeMap::new();
        let mut losses: BTreeMap<&str, TermLoss> = BTreeMap::new();
        let (mut o_words, mut o_hidden, mut fps) = (0, 0, vec![]);
        for fold in 0..FOLDS {
            let r = Redactor::standard().with_tagger(corpus.model_without(&base, fold, settings));
            for t in corpus.pii.iter().filter(|t| support::fold(&t.template, FOLDS) == fold) {
                let f = r.find(&t.text);
                for (k, s, e) in &t.spans {
                    let x = rec.entry(k.clone()).or_default();
                    x.spans += 1;
                    if hidden(&t.text, *s, *e, &f) { x.hidden += 1 } else { x.missed.push(format!("{:?} IN {:?} GOT {:?}", &t.text[*s..*e], t.text.chars().take(120).collect::<String>(), f.iter().map(|f| &t.text[f.start as usize..f.end as usize]).collect::<Vec<_>>())) }
                }
                let mut at = 0;
                for w in t.text.split_inclusive(char::is_whitespace) {
                    let s = at; at += w.len();
                    let w2 = w.trim();
                    if w2.is_empty() || t.spans.iter().any(|(_, a, b)| *a < s + w2.len() && s < *b) { continue }
                    o_words += 1;
                    if f.iter().any(|x| (x.start as usize) < s + w2.len() && s < x.end as usize) { o_hidden += 1; fps.push(w2.to_string()) }
                }
            }
            for (set, t) in corpus.terms.iter().filter(|(_, t)| support::fold(&t.document, FOLDS) == fold) {
                term_loss(t, &r, losses.entry(set).or_default());
            }
        }
        println!("== {spec}");
        for (k, x) in &rec { print!("{k} {}/{} {:.4}; ", x.hidden, x.spans, x.hidden as f64 / x.spans as f64); if show.split(',').any(|s| s == k) { println!(); for m in x.missed.iter().take(60) { println!("   {m}") } } }
        println!();
        println!("false {o_hidden}/{o_words}");
        if show.contains("FALSE") { println!("{:?}", fps); }
        for (k, l) in &losses { println!("{k} terms {}/{} {:.5}", l.hidden, l.words, l.hidden as f64 / l.words as f64); if show.contains("TERM") { println!("{:?}", l.lost.iter().take(150).collect::<Vec<_>>()); } }
    }
    Ok(())
}
