//! Listen.

pub mod cap;
pub mod watermark;
