//! Text keeps a contrast of 4.5 to 1 and control borders 3 to 1, in light and dark (WCAG 2.2, 1.4.3 and 1.4.11).

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../../assets/auscult.css");

/// Custom properties of the first `:root` block after `marker`.
fn properties(marker: &str) -> BTreeMap<&'static str, [f64; 3]> {
    let block = STYLE
        .split_once(marker)
        .unwrap()
        .1
        .split_once(":root {")
        .unwrap()
        .1
        .split_once('}')
        .unwrap()
        .0;
    let pairs = block
        .split(';')
        .filter_map(|line| line.trim().strip_prefix("--")?.split_once(": "));
    pairs
        .filter_map(|(name, value)| Some((name, colour(value)?)))
        .collect()
}

fn colour(hex: &str) -> Option<[f64; 3]> {
    let hex = hex.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    let channel = |at: usize| {
        u8::from_str_radix(&hex[at..at + 2], 16)
            .ok()
            .map(|value| f64::from(value) / 255.0)
    };
    Some([channel(0)?, channel(2)?, channel(4)?])
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [red, green, blue] = colour.map(|value| {
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_formula_gives_21_for_black_on_white() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
}

#[test]
fn text_and_controls_stand_out_in_light_and_dark() {
    for (scheme, marker) in [("light", "320 px"), ("dark", "prefers-color-scheme: dark")] {
        let colours = properties(marker);
        let text = [
            ("ink", &["ground", "surface", "sunken", "good-ground"][..]),
            ("soft", &["ground", "surface", "sunken"]),
            ("link", &["ground", "surface"]),
            ("good", &["surface", "good-ground"]),
            ("warn", &["surface", "warn-ground", "ground"]),
            ("bad", &["surface", "bad-ground"]),
            ("accent-ink", &["accent"]),
        ];
        let shapes = [
            ("edge", &["surface", "ground"][..]),
            ("focus", &["surface", "ground"]),
            ("series", &["surface", "band"]),
            ("outside", &["surface"]),
        ];
        for (least, pairs) in [(4.5, &text[..]), (3.0, &shapes[..])] {
            for (front, backs) in pairs {
                for back in *backs {
                    let found = contrast(colours[front], colours[back]);
                    assert!(
                        found >= least,
                        "{scheme}: {front} on {back} is {found:.2}, not {least}"
                    );
                }
            }
        }
    }
}
