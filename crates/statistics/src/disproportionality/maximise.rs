//! Downhill simplex search for a handful of parameters.
//!
//! Decision: Nelder–Mead, restarted around its own result until that no longer helps, and not Newton or EM:
//! the likelihood of the gamma-Poisson mixture has flat ridges on which Newton runs away and EM crawls, and
//! it is fitted once a day at most.
//!
//! Source: Nelder and Mead 1965 (Computer Journal 7, 308–313).

/// A point and its value.
type Vertex<const N: usize> = ([f64; N], f64);

/// Evaluations allowed in one run of the simplex.
const EVALUATIONS: usize = 2_000;
const RESTARTS: usize = 6;

/// The point of smallest `cost` found from `start`, with steps of about `stride` at first.
///
/// A cost that is not a number counts as infinite.
pub(super) fn minimise<const N: usize>(
    start: [f64; N],
    stride: f64,
    tolerance: f64,
    cost: impl Fn(&[f64; N]) -> f64,
) -> Vertex<N> {
    let cost = |point: &[f64; N]| {
        let value = cost(point);
        if value.is_nan() { f64::INFINITY } else { value }
    };
    let mut best = (start, cost(&start));
    for restart in 0..RESTARTS {
        let found = simplex(
            best,
            stride / f64::from(1 << restart.min(3) as u32),
            tolerance,
            &cost,
        );
        let gained = best.1 - found.1;
        if found.1 < best.1 {
            best = found;
        }
        if gained <= tolerance * (1.0 + best.1.abs()) {
            break;
        }
    }
    best
}

fn simplex<const N: usize>(
    start: Vertex<N>,
    stride: f64,
    tolerance: f64,
    cost: &impl Fn(&[f64; N]) -> f64,
) -> Vertex<N> {
    let mut vertices: Vec<Vertex<N>> = vec![start];
    for axis in 0..N {
        let mut point = start.0;
        point[axis] += stride;
        vertices.push((point, cost(&point)));
    }
    let mut evaluations = N;
    while evaluations < EVALUATIONS {
        vertices.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (lowest, highest) = (vertices[0].1, vertices[N].1);
        if (highest - lowest).abs() <= tolerance * (1.0 + lowest.abs()) {
            break;
        }
        let centre = centroid(&vertices[..N]);
        let worst = vertices[N];
        let mut try_at = |factor: f64| {
            let point =
                std::array::from_fn(|axis| centre[axis] + factor * (worst.0[axis] - centre[axis]));
            evaluations += 1;
            (point, cost(&point))
        };
        let reflected = try_at(-1.0);
        let candidate = if reflected.1 < vertices[0].1 {
            let expanded = try_at(-2.0);
            if expanded.1 < reflected.1 {
                expanded
            } else {
                reflected
            }
        } else if reflected.1 < vertices[N - 1].1 {
            reflected
        } else {
            let contracted = if reflected.1 < worst.1 {
                try_at(-0.5)
            } else {
                try_at(0.5)
            };
            if contracted.1 < worst.1.min(reflected.1) {
                contracted
            } else {
                worst
            }
        };
        if candidate.1 < worst.1 {
            vertices[N] = candidate;
        } else {
            evaluations += N;
            shrink(&mut vertices, cost);
        }
    }
    vertices.sort_by(|a, b| a.1.total_cmp(&b.1));
    vertices[0]
}

fn centroid<const N: usize>(vertices: &[Vertex<N>]) -> [f64; N] {
    std::array::from_fn(|axis| {
        vertices.iter().map(|vertex| vertex.0[axis]).sum::<f64>() / vertices.len() as f64
    })
}

fn shrink<const N: usize>(vertices: &mut [Vertex<N>], cost: &impl Fn(&[f64; N]) -> f64) {
    let best = vertices[0].0;
    for vertex in &mut vertices[1..] {
        let point = std::array::from_fn(|axis| 0.5 * (best[axis] + vertex.0[axis]));
        *vertex = (point, cost(&point));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bottom_of_a_curved_valley() {
        let rosenbrock = |p: &[f64; 2]| {
            100.0 * (p[1] - p[0] * p[0]) * (p[1] - p[0] * p[0]) + (1.0 - p[0]) * (1.0 - p[0])
        };
        let (point, value) = minimise([-1.2, 1.0], 0.5, 1e-14, rosenbrock);
        assert!(
            value < 1e-10 && (point[0] - 1.0).abs() < 1e-4,
            "{point:?} {value}"
        );
    }
}
