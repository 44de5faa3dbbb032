//! Scenarios: who speaks where and how much, and what is planted when.

use auscult_core::time::{DAY, Timestamp};

use crate::truth::PlantedKind;

/// One simulated run, fully described: together with a seed it gives the same bytes for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// Tenant.
    pub tenant: String,
    /// Midnight of the first day.
    pub start: Timestamp,
    /// Days of history.
    pub history_days: u32,
    /// Days after the history: those shown live.
    pub live_days: u32,
    /// Mean events a day over all markets.
    pub events_a_day: f64,
    /// Markets and their share of the events.
    pub markets: Vec<Market>,
    /// Products and their share.
    pub products: Vec<(&'static str, f64)>,
    /// Changes to be found.
    pub plants: Vec<Plant>,
    /// Happenings that must not be taken for changes.
    pub distractions: Vec<Disturbance>,
    /// Shares of events with a fault or a burden.
    pub shares: Shares,
}

/// A market: one portfolio.
#[derive(Debug, Clone, PartialEq)]
pub struct Market {
    /// ISO country.
    pub country: &'static str,
    /// Share of all events.
    pub share: f64,
    /// Regions and their share.
    pub regions: Vec<(&'static str, f64)>,
    /// Local language, and how much of the feedback is in it.
    pub language: (&'static str, f64),
}

/// A change planted in one market. Days count from the start of the live part; negative days lie in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Plant {
    /// Short name.
    pub name: &'static str,
    /// What it is.
    pub kind: PlantedKind,
    /// Country.
    pub country: &'static str,
    /// Product, or all.
    pub product: Option<&'static str>,
    /// Theme, or all.
    pub theme: Option<&'static str>,
    /// Region, or all.
    pub region: Option<&'static str>,
    /// Kind of respondent, or all.
    pub stakeholder: Option<&'static str>,
    /// First day.
    pub from_day: i32,
    /// Last day, exclusive.
    pub to_day: i32,
    /// Size; see [`PlantedKind`].
    pub size: f64,
}

/// Something that must not become a signal.
#[derive(Debug, Clone, PartialEq)]
pub enum Disturbance {
    /// A feed delivers nothing for some days: no data, which is not silence.
    FeedLoss {
        /// Country.
        country: &'static str,
        /// System of the feed.
        system: &'static str,
        /// First day.
        from_day: i32,
        /// Last day, exclusive.
        to_day: i32,
    },
    /// One post is repeated many times on one day.
    RepostBurst {
        /// Country.
        country: &'static str,
        /// Product.
        product: &'static str,
        /// Theme.
        theme: &'static str,
        /// Day.
        day: i32,
        /// Copies.
        copies: u32,
    },
    /// An organisation is merged into another: its people speak on under the new reference.
    Merger {
        /// Country.
        country: &'static str,
        /// Number of the organisation that ends.
        organisation: u32,
        /// Number of the one it becomes.
        into: u32,
        /// Day.
        day: i32,
    },
}

/// Shares of events with a fault or a burden.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Tell of an adverse event.
    pub adverse_event: f64,
    /// Hold an identifier.
    pub identifier: f64,
    /// Are delivered twice.
    pub duplicate: f64,
    /// Are corrected later.
    pub correction: f64,
    /// Arrive one to five days late.
    pub late: f64,
    /// Are broken beyond reading.
    pub broken: f64,
}

const USUAL: Shares = Shares {
    adverse_event: 0.012,
    identifier: 0.03,
    duplicate: 0.01,
    correction: 0.005,
    late: 0.012,
    broken: 0.003,
};

/// Midnight of 2026-06-22 UTC, a Monday: history and live part of the demo end in mid-November.
const DEMO_START: Timestamp = Timestamp(20_626 * DAY);

impl Scenario {
    /// Four markets, 120 days of history, 30 days live, seven changes to find and three that must not be found.
    #[must_use]
    pub fn demo() -> Scenario {
        Scenario {
            name: "demo".to_owned(),
            tenant: "acme".to_owned(),
            start: DEMO_START,
            history_days: 120,
            live_days: 30,
            events_a_day: 700.0,
            markets: markets(),
            products: vec![("alpha", 0.5), ("beta", 0.3), ("gamma", 0.2)],
            plants: demo_plants(),
            distractions: demo_distractions(),
            shares: USUAL,
        }
    }

    /// The demo's feed with nothing planted: every alert is false.
    #[must_use]
    pub fn null() -> Scenario {
        Scenario {
            name: "null".to_owned(),
            plants: Vec::new(),
            distractions: Vec::new(),
            ..Scenario::demo()
        }
    }

    /// One market, six weeks, a surge and a silence: for tests.
    #[must_use]
    pub fn small() -> Scenario {
        let demo = Scenario::demo();
        Scenario {
            name: "small".to_owned(),
            history_days: 35,
            live_days: 7,
            events_a_day: 60.0,
            markets: vec![Market {
                share: 1.0,
                ..demo.markets[0].clone()
            }],
            plants: vec![Plant {
                from_day: 2,
                to_day: 6,
                ..demo.plants[0].clone()
            }],
            distractions: Vec::new(),
            shares: Shares {
                adverse_event: 0.02,
                identifier: 0.05,
                duplicate: 0.02,
                correction: 0.02,
                late: 0.03,
                broken: 0.02,
            },
            ..demo
        }
    }

    /// First moment of the live part.
    #[must_use]
    pub fn live_from(&self) -> Timestamp {
        self.start.plus(i64::from(self.history_days) * DAY)
    }

    /// End of the run.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.live_from().plus(i64::from(self.live_days) * DAY)
    }

    /// Portfolio of a market, as the default settings cut it.
    #[must_use]
    pub fn portfolio(&self, country: &str) -> String {
        format!("{}|{country}", self.tenant)
    }
}

fn markets() -> Vec<Market> {
    vec![
        Market {
            country: "DE",
            share: 0.3,
            regions: vec![
                ("DE-BY", 0.3),
                ("DE-NW", 0.35),
                ("DE-HE", 0.2),
                ("DE-SN", 0.15),
            ],
            language: ("de", 0.45),
        },
        Market {
            country: "FR",
            share: 0.2,
            regions: vec![
                ("FR-IDF", 0.4),
                ("FR-ARA", 0.25),
                ("FR-PAC", 0.2),
                ("FR-BRE", 0.15),
            ],
            language: ("fr", 0.35),
        },
        Market {
            country: "GB",
            share: 0.2,
            regions: vec![("GB-ENG", 0.7), ("GB-SCT", 0.2), ("GB-WLS", 0.1)],
            language: ("en", 1.0),
        },
        Market {
            country: "US",
            share: 0.3,
            regions: vec![
                ("US-CA", 0.3),
                ("US-TX", 0.25),
                ("US-NY", 0.25),
                ("US-FL", 0.2),
            ],
            language: ("en", 1.0),
        },
    ]
}

fn demo_plants() -> Vec<Plant> {
    let plant = |name, kind, country, from_day, to_day, size| Plant {
        name,
        kind,
        country,
        product: None,
        theme: None,
        region: None,
        stakeholder: None,
        from_day,
        to_day,
        size,
    };
    vec![
        Plant {
            product: Some("alpha"),
            theme: Some("access.prior_authorisation"),
            region: Some("DE-BY"),
            ..plant(
                "prior-authorisation-bavaria",
                PlantedKind::Surge,
                "DE",
                3,
                10,
                14.0,
            )
        },
        Plant {
            product: Some("beta"),
            theme: Some("supply.shortage"),
            ..plant("beta-shortage-us", PlantedKind::Surge, "US", 6, 14, 18.0)
        },
        Plant {
            product: Some("alpha"),
            theme: Some("product.device"),
            ..plant(
                "alpha-device-drift-us",
                PlantedKind::Drift,
                "US",
                -4,
                26,
                4.0,
            )
        },
        Plant {
            product: Some("alpha"),
            ..plant(
                "alpha-sentiment-gb",
                PlantedKind::SentimentDrop,
                "GB",
                9,
                21,
                0.38,
            )
        },
        Plant {
            product: Some("gamma"),
            theme: Some("supply.storage"),
            ..plant("gamma-storage-fr", PlantedKind::NewTheme, "FR", 11, 24, 7.0)
        },
        Plant {
            stakeholder: Some("pharmacist"),
            ..plant(
                "pharmacists-silent-de",
                PlantedKind::Silence,
                "DE",
                14,
                24,
                0.0,
            )
        },
        Plant {
            product: Some("beta"),
            theme: Some("service.contact"),
            ..plant(
                "beta-support-line-gb",
                PlantedKind::Surge,
                "GB",
                18,
                24,
                12.0,
            )
        },
    ]
}

fn demo_distractions() -> Vec<Disturbance> {
    vec![
        Disturbance::FeedLoss {
            country: "FR",
            system: "survey-desk",
            from_day: 5,
            to_day: 8,
        },
        Disturbance::RepostBurst {
            country: "US",
            product: "gamma",
            theme: "access.cost",
            day: 16,
            copies: 40,
        },
        Disturbance::Merger {
            country: "DE",
            organisation: 3,
            into: 4,
            day: 8,
        },
    ]
}
