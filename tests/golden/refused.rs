//! What iproute2 refuses to send, the crate refuses, too, where its types can say it at all.

use super::data::requests;
use super::objects::message;
use tcnl::request::{Object, Verb};
use tcnl::tc::htb::HtbClass;
use tcnl::tc::sfq::Sfq;
use tcnl::tc::tbf::Tbf;
use tcnl::tc::u32::{Match, U32};
use tcnl::tc::{Class, Filter, Qdisc};
use tcnl::units::{Handle, Micros, Packets, Rate, Size};

/// What the types cannot say: there is nothing to refuse.
const UNSAYABLE: &[(&str, &str)] = &[
    ("htb_qdisc-005", "a default class is a minor number, not a whole handle"),
    ("htb_qdisc-024", "a device is an index; finding it is the connection's business"),
    ("htb_class-026", "a percentage is of a speed that must be given"),
    ("htb_class-060", "a quantum is a number"),
    ("sfq-026", "there is no such field"),
    ("ingress-003", "words of the command line: the parent stands twice"),
    ("u32_match-026", "a protocol is a number"),
    ("u32_match-051", "an address is an address"),
    ("u32_match-052", "a port without a mask is all of the port"),
    ("u32_ht-022", "a sample has no mask but that of its key"),
    ("fw-017", "a mark is a number"),
    ("route-069", "a destination is a prefix"),
];

/// What the crate says of the others.
fn refusals() -> Vec<(&'static str, String)> {
    let root = Handle::new(1, 0);
    let refusal = |object: Qdisc| said(&object);
    let tbf = || Tbf::rate(Rate::kbit(500));
    let table = |buckets| said(&Filter::on(10, root).kind(U32::table(buckets)));
    vec![
        ("htb_class-058", said(&Class::under(10, root).kind(HtbClass::rate(Rate::ZERO).ceil(Rate::mbit(1))))),
        ("sfq-009", refusal(Qdisc::root(10).kind(Sfq::new().limit(Packets(1))))),
        ("tbf-013", refusal(Qdisc::root(10).kind(tbf().latency(Micros::millis(10))))),
        ("tbf-014", refusal(Qdisc::root(10).kind(tbf().burst(Size::kib(10))))),
        ("u32_match-053", Match::u32((1, 0xff), 3).expect_err("3 is no multiple of 4").to_string()),
        ("u32_ht-003", table(100)),
        ("u32_ht-007", table(512)),
    ]
}

/// Why the object cannot be added.
fn said<O: Object>(object: &O) -> String {
    message(Verb::Add, object).expect_err("it is refused").to_string()
}

#[test]
fn what_iproute2_refuses_to_send_is_refused() {
    let refusals = refusals();
    let known = |id: &str| {
        refusals.iter().any(|(refused, _)| *refused == id)
            || UNSAYABLE.iter().any(|(unsayable, _)| *unsayable == id)
    };
    let recorded: Vec<_> = requests().into_iter().filter(|request| request.client_error).collect();
    for request in &recorded {
        assert!(known(&request.id), "{}: {}", request.id, request.cmd);
    }
    assert_eq!(recorded.len(), refusals.len() + UNSAYABLE.len());
    let words = |id| &refusals.iter().find(|(refused, _)| *refused == id).expect("it is in the list").1;
    assert_eq!(words("htb_class-058"), "the rate of the htb class is missing");
    assert_eq!(words("sfq-009"), "limit of sfq is out of range: 1 (allowed: 2 and above)");
    assert_eq!(words("tbf-013"), "the burst of tbf is missing");
    assert_eq!(words("tbf-014"), "the limit or latency of tbf is missing");
    assert_eq!(words("u32_ht-003"), "u32 divisor is out of range: 100 (allowed: powers of two up to 256)");
    assert_eq!(words("u32_ht-007"), "u32 divisor is out of range: 512 (allowed: powers of two up to 256)");
    assert!(words("u32_match-053").ends_with("a u32 stands at a multiple of 4"));
}
