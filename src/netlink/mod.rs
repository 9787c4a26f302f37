//! The connection to the kernel.
