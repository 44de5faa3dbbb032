//! `reference.product.described.v1`: what a product is called, on a compacted topic.
//!
//! One record a product; the newest of a key counts, and a record without data takes the product out. Other kinds of
//! reference data may lie in the same topic: whoever reads it tells them apart by type.

use auscult_core::time::Timestamp;

use crate::derived::{Derived, derived_id};
use crate::envelope::{Encoded, Headers};
use crate::error::WireError;
use crate::event::{Event, Reading, decode_event, encode_event};
use crate::framing::SchemaRegistry;
use crate::record::record;
use crate::words::{Audience, DataCategory, DataClassification};

/// The event's type.
pub const PRODUCT_DESCRIBED: &str = "io.auscult.reference.product.described.v1";
/// Address of its schema.
pub const PRODUCT_SCHEMA: &str = "https://auscult.example/schemas/reference-product/1.0.json";
/// What the keys of products begin with.
pub const PRODUCT_KEY: &str = "product|";

record! {
    /// A product and everything people call it.
    pub struct ProductDescribed {
        /// Its code, as in `about.products` of feedback.
        required "product_id" product_id: String,
        /// Names that redaction never takes and safety triage links to: brands, generic names, devices.
        required "names" names: Vec<String>,
    }
}

/// The key of a product's record.
#[must_use]
pub fn product_key(product_id: &str) -> String {
    format!("{PRODUCT_KEY}{product_id}")
}

/// Writes a product; `described` is when it was last changed.
#[must_use]
pub fn encode_product(tenant: &str, product: &ProductDescribed, described: Timestamp) -> Encoded {
    let key = product_key(&product.product_id);
    let described_at = described.0.to_string();
    let envelope = Derived {
        kind: PRODUCT_DESCRIBED,
        schema: PRODUCT_SCHEMA,
        id: derived_id(&["product", tenant, &product.product_id, &described_at]),
        source: format!("/tenants/{tenant}/reference"),
        subject: format!("product/{}", product.product_id),
        tenant,
        key: &key,
        happened: described,
        recorded: described,
        classification: DataClassification::Confidential,
        category: DataCategory::NonPii,
        audience: Audience::Shared,
    }
    .envelope();
    encode_event(key.clone().into_bytes(), &envelope, product)
}

/// Reads a product.
///
/// # Errors
/// [`WireError`] for everything that is refused.
pub fn decode_product<'a>(
    headers: &'a Headers,
    value: &'a [u8],
) -> Result<Event<'a, ProductDescribed>, WireError> {
    decode_event(
        headers,
        value,
        Reading {
            types: &[PRODUCT_DESCRIBED],
            keep_unknown: false,
            registry: &SchemaRegistry::default(),
        },
    )
}
