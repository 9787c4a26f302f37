//! The configuration of the program for several uplinks.

#[path = "../../examples/dual_uplink/operate/config/mod.rs"]
#[allow(dead_code, reason = "the program reads files as well")]
mod program;

use self::program::Config;
use std::time::Duration;
use tcnl::uplink::Sample;

/// Text is refused with what is wrong with it, or describes a gateway that makes sense: the selector decides for it, and it can be said
/// what the system is told.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(text) {
        Ok(Config { gateway, choice, .. }) => {
            assert_eq!(gateway.check(), Ok(()));
            let works = Sample { usable: true, ..Sample::default() };
            let samples = vec![works; gateway.uplinks.len()];
            let decision = choice.selector(&gateway.uplinks).select(Duration::ZERO, &samples);
            let weights = decision.map(|decision| decision.weights).unwrap_or_default();
            #[cfg(feature = "generate")]
            tcnl::uplink::fuzz::told(&gateway, &weights);
            drop(weights);
        }
        Err(wrong) => {
            assert!(!wrong.is_empty());
            let lines = text.lines().count().max(1) + 1;
            assert!(wrong.iter().filter_map(|wrong| wrong.line).all(|line| (1..=lines).contains(&line)));
        }
    }
}
