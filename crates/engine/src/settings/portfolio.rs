//! What a portfolio key is made of.
//!
//! A list of fields joined by `|` beats a template language: it can be checked, and it cannot produce two
//! spellings of one portfolio.

use auscult_core::mention::Mention;
use auscult_core::settings::Problem;

/// Most fields of a key.
pub const MAX_FIELDS: usize = 6;
/// What stands for a field the event does not have.
const MISSING: &str = "-";

/// One field of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortfolioField {
    /// Tenant: always the first field, so that no machine ever sees two tenants.
    Tenant,
    /// Country of the respondent.
    Country,
    /// Region of the respondent.
    Region,
    /// Kind of respondent.
    Stakeholder,
    /// Source type.
    Source,
    /// First product by code.
    Product,
    /// A field of the source, `extra.<key>`.
    Extra(String),
}

impl PortfolioField {
    /// Reads `country` or `extra.business_unit`.
    #[must_use]
    pub fn parse(text: &str) -> Option<PortfolioField> {
        match text {
            "tenant" => Some(PortfolioField::Tenant),
            "country" => Some(PortfolioField::Country),
            "region" => Some(PortfolioField::Region),
            "stakeholder" => Some(PortfolioField::Stakeholder),
            "source" => Some(PortfolioField::Source),
            "product" => Some(PortfolioField::Product),
            _ => text
                .strip_prefix("extra.")
                .filter(|key| !key.is_empty())
                .map(|key| PortfolioField::Extra(key.to_owned())),
        }
    }
}

/// The fields of the key, in order; the first is the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortfolioKey(Vec<PortfolioField>);

impl PortfolioKey {
    /// Reads the written fields, adding to `problems` what is wrong with them.
    pub(super) fn parse(written: &[String], problems: &mut Vec<Problem>) -> PortfolioKey {
        const PATH: &str = "engine.listen.portfolio";
        if written.first().map(String::as_str) != Some("tenant") {
            problems.push(Problem::new(
                PATH,
                "the first field is not `tenant`",
                "begin with \"tenant\": no machine may see two tenants",
            ));
        }
        if written.len() > MAX_FIELDS {
            problems.push(Problem::new(
                PATH,
                format!("{} fields are named", written.len()),
                format!("name at most {MAX_FIELDS}"),
            ));
        }
        let mut fields = Vec::new();
        for (index, text) in written.iter().enumerate() {
            let path = format!("{PATH}[{index}]");
            match PortfolioField::parse(text) {
                None => problems.push(Problem::new(
                    path,
                    format!("{text:?} is no field"),
                    "use tenant, country, region, stakeholder, source, product or extra.<key>",
                )),
                Some(field) if fields.contains(&field) => problems.push(Problem::new(
                    path,
                    format!("{text:?} is named twice"),
                    "name it once",
                )),
                Some(field) => fields.push(field),
            }
        }
        PortfolioKey(fields)
    }

    /// Extra fields the key is made of: mentions must carry them.
    pub fn extra_fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|field| match field {
            PortfolioField::Extra(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// The key of a mention. A `|` inside a value becomes `/`, so that keys cannot be forged by values.
    #[must_use]
    pub fn of(&self, mention: &Mention<'_>) -> String {
        let mut key = String::with_capacity(24);
        for (index, field) in self.0.iter().enumerate() {
            if index > 0 {
                key.push('|');
            }
            let value = match field {
                PortfolioField::Tenant => mention.tenant.as_ref(),
                PortfolioField::Country => mention.who.country.as_ref(),
                PortfolioField::Region => mention.who.region.as_ref(),
                PortfolioField::Stakeholder => mention.who.stakeholder.as_str(),
                PortfolioField::Source => mention.who.source.as_str(),
                PortfolioField::Product => mention.about.products.first().map_or("", AsRef::as_ref),
                PortfolioField::Extra(key) => mention
                    .extra
                    .iter()
                    .find(|(name, _)| name == key)
                    .map_or("", |(_, value)| value.as_ref()),
            };
            let value = if value.is_empty() { MISSING } else { value };
            key.extend(
                value
                    .chars()
                    .map(|character| if character == '|' { '/' } else { character }),
            );
        }
        key
    }
}
