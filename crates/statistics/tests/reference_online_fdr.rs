//! The online procedures against the PyPI package online-fdr 1.0.0.
//!
//! The table was made by `benches/peers/online_discovery.py` (command in its first lines).

use auscult_statistics::discovery::OnlineSettings;

const TABLE: &str = include_str!("reference_online_fdr.csv");

#[test]
fn levels_and_decisions_agree_with_online_fdr() {
    let settings = [
        OnlineSettings::lord(0.1),
        OnlineSettings::saffron(0.1),
        OnlineSettings::addis(0.1),
    ];
    let mut streams = settings.map(|settings| settings.check().unwrap());
    let mut discoveries = [0; 3];
    for (place, line) in TABLE.lines().skip(1).enumerate() {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        for (method, stream) in streams.iter_mut().enumerate() {
            let decision = stream.test(cells[0]);
            let level = cells[1 + 2 * method];
            // 1e-12: the same sums in another order.
            assert!(
                (decision.level / level - 1.0).abs() < 1e-12,
                "line {place} method {method}: {decision:?} {level}"
            );
            assert_eq!(
                decision.rejected,
                cells[2 + 2 * method] == 1.0,
                "line {place} method {method}"
            );
            discoveries[method] += usize::from(decision.rejected);
        }
    }
    assert!(
        discoveries.iter().all(|count| *count >= 3),
        "the table must exercise restarts: {discoveries:?}"
    );
}
