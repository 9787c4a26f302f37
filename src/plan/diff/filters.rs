//! Chains and filters.

use super::super::settle::Settled;
use super::super::Scope;
use super::{Gone, Steps};

pub(super) fn diff(_old: &Settled<'_>, _new: &Settled<'_>, _scope: &Scope, _gone: &Gone, _steps: &mut Steps) {
}
