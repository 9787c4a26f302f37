use super::{h, hand, ByHand, IFB0};
use tcnl::request::Verb::{Add, Change, Delete, Replace};
use tcnl::tc::gact::Gact;
use tcnl::tc::mirred::Mirred;
use tcnl::tc::police::Police;
use tcnl::tc::skbedit::Skbedit;
use tcnl::tc::{Action, ActionTable};
use tcnl::units::{Rate, Size};

pub fn commands() -> Vec<ByHand> {
    let police = Police::new().rate(Rate::gbit(40)).burst(Size::mib(1)).index(6);
    let one = |action: Action| ActionTable::of([action]);
    let two = [Action::new(Skbedit::piped().priority(h("1:10"))), Gact::drop().into()];
    vec![
        hand("actions-002", Add, one(police.into())),
        hand("actions-004", Add, one(Gact::drop().index(8).into())),
        hand("actions-005", Add, one(Mirred::egress_redirect(IFB0).index(5).into())),
        hand("actions-006", Add, one(Skbedit::piped().mark(5).index(5).into())),
        hand("actions-007", Add, ActionTable::of(two)),
        hand("actions-008", Replace, one(Gact::drop().index(8).into())),
        hand("actions-011", Change, one(Gact::ok().index(8).into())),
        hand("actions-012", Delete, one(Gact::drop().index(8).into())),
        hand("actions-013", Delete, one(Gact::drop().index(99).into())),
    ]
}
