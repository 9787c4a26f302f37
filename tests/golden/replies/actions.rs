use super::{device, stats, Json, Reply, Shown};
use serde_json::Value;
use tcnl::tc::gact::Gact;
use tcnl::tc::mirred::{Direction, Mirred};
use tcnl::tc::police::Police;
use tcnl::tc::skbedit::Skbedit;
use tcnl::tc::{Action, ActionKind, ActionParms, Bits, Control, Times};
use tcnl::units::Name;

/// What `tc actions ls` shows.
pub fn shown(all: &mut Shown, reply: &Reply) -> Vec<Value> {
    let kind = reply.show.rsplit(' ').next().expect("the kind is the last word");
    let tables = all.objects(reply, &Action::of_kind(Name::new(kind).expect("a kind")));
    let mut out = Vec::new();
    for table in tables {
        let (mut total, mut list) = (Json::default(), Json::default());
        total.some("total acts", table.count);
        list.put(
            "actions",
            table.actions.iter().enumerate().map(|(at, it)| alone(at, it)).collect::<Vec<_>>(),
        );
        out.extend([total.done(), list.done()]);
    }
    out
}

/// An action that stands by itself: only there iproute2 shows what hardware does.
fn alone(at: usize, it: &Action) -> Value {
    let Value::Object(map) = action(at, it) else { unreachable!("it is an object") };
    let mut json = Json(map);
    match it.in_hw_count {
        Some(0) => json.put("not_in_hw", true),
        Some(count) => json.put("in_hw_count", count),
        None => (),
    }
    if it.used_hw_stats == Some(Bits { value: 0, selector: 3 }) {
        json.put("used_hw_stats", vec!["disabled"]);
    }
    json.done()
}

/// One action, at this place of its list.
pub fn action(order: usize, action: &Action) -> Value {
    let mut json = Json::default();
    json.put("order", order);
    let times = match &action.kind {
        ActionKind::Gact(gact) => put_gact(&mut json, gact),
        ActionKind::Mirred(mirred) => put_mirred(&mut json, mirred),
        ActionKind::Skbedit(skbedit) => put_skbedit(&mut json, skbedit),
        ActionKind::Police(police) => put_police(&mut json, police),
        other => {
            json.not_yet(other.name());
            return json.done();
        }
    };
    json.put("kind", action.kind.name());
    put_times(&mut json, times);
    if let Some(counted) = &action.stats {
        let mut inner = Json::default();
        stats::put(&mut inner, counted);
        json.put("stats", inner.done());
    }
    json.some(
        "cookie",
        action.cookie.as_ref().map(|bytes| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
    );
    json.done()
}

pub fn put_times(json: &mut Json, times: Option<Times>) {
    if let Some(times) = times {
        json.put("installed", times.installed / 100);
        json.put("last_used", times.last_used / 100);
        json.some("first_used", Some(times.first_used / 100).filter(|_| times.first_used != 0));
    }
}

fn put_parms(json: &mut Json, parms: &ActionParms) {
    json.put("index", parms.index);
    json.put("ref", parms.references);
    json.put("bind", parms.bindings);
}

fn control(control: Control) -> Value {
    let mut json = Json::default();
    match control {
        Control::GotoChain(chain) => {
            json.put("type", "goto");
            json.put("chain", chain);
        }
        Control::Ok => json.put("type", "pass"),
        Control::Drop => json.put("type", "drop"),
        Control::Pipe => json.put("type", "pipe"),
        Control::Stolen => json.put("type", "stolen"),
        Control::Reclassify => json.put("type", "reclassify"),
        Control::Continue => json.put("type", "continue"),
        Control::Trap => json.put("type", "trap"),
        other => panic!("no recording has {other:?}"),
    }
    json.done()
}

fn put_gact(json: &mut Json, gact: &Gact) -> Option<Times> {
    let parms = gact.parms.expect("parameters");
    let random = gact.random.unwrap_or_default();
    let mut prob = Json::default();
    prob.put("random_type", random.method.to_string());
    prob.put("control_action", control(random.control));
    prob.put("val", random.every);
    json.put("control_action", control(parms.control));
    json.put("prob", prob.done());
    put_parms(json, &parms);
    gact.times
}

fn put_mirred(json: &mut Json, mirred: &Mirred) -> Option<Times> {
    let parms = mirred.parms.expect("parameters");
    let (direction, what) = match parms.direction {
        Direction::EgressRedirect => ("egress", "redirect"),
        Direction::EgressMirror => ("egress", "mirror"),
        Direction::IngressRedirect => ("ingress", "redirect"),
        Direction::IngressMirror => ("ingress", "mirror"),
        other => panic!("no recording has {other:?}"),
    };
    json.put("mirred_action", what);
    json.put("direction", direction);
    json.put("to_dev", device(parms.dev.index));
    json.put("control_action", control(parms.action.control));
    put_parms(json, &parms.action);
    mirred.times
}

fn put_skbedit(json: &mut Json, skbedit: &Skbedit) -> Option<Times> {
    let parms = skbedit.parms.expect("parameters");
    json.some("priority", skbedit.priority.map(|priority| priority.to_string()));
    json.some("queue_mapping", skbedit.queue);
    json.some("mark", skbedit.mark);
    json.some("mask", skbedit.mask.map(|mask| format!("{mask:x}")));
    json.some(
        "ptype",
        skbedit.packet_type.map(|ty| if ty == 0 { "host".to_owned() } else { ty.to_string() }),
    );
    json.put("control_action", control(parms.control));
    put_parms(json, &parms);
    skbedit.times
}

/// iproute2 shows rates, burst and MTU of policers as text only.
pub fn put_police(json: &mut Json, police: &Police) -> Option<Times> {
    json.put("index", police.index);
    // Both verdicts have one name: the last one stands, which is shown only if packets that conform do not just pass.
    let last = if police.conform == Control::Ok { police.exceed } else { police.conform };
    json.put("control_action", control(last));
    json.put("overhead", police.framing.overhead);
    json.put("linklayer", police.framing.linklayer.to_string());
    json.put("ref", police.references);
    json.put("bind", police.bindings);
    police.times
}
