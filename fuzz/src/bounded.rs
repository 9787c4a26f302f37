//! What is read takes memory in proportion to the bytes that it is read from.

/// So many bytes for each that is read: an attribute of four bytes may be a whole object, of which there may be room for as many again.
const EACH: usize = 512;
/// And so many for what is there in any case.
const ANYWAY: usize = 4096;

/// What `read` makes of `bytes`.
///
/// # Panics
/// If more memory was in use at a time than that.
pub fn bounded<T>(bytes: &[u8], read: impl FnOnce() -> T) -> T {
    let mut made = None;
    let used = allocation_counter::measure(|| made = Some(read()));
    let most = (EACH * bytes.len() + ANYWAY) as u64;
    assert!(used.bytes_max <= most, "{} bytes of memory for {} bytes", used.bytes_max, bytes.len());
    made.expect("it was read")
}
