pub mod cluster;
pub mod engine;
pub mod leaks;
pub mod program;
pub mod sandbox;
pub mod shop;
