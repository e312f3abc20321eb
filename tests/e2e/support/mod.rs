pub mod cluster;
pub mod collector;
pub mod engine;
pub mod leaks;
pub mod program;
pub mod sandbox;
pub mod shop;
