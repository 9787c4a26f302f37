//! Qdiscs and classes.

use super::super::settle::parent;
use super::super::{Finding, Tree};
use crate::tc::htb::{Htb, HtbClass};
use crate::tc::{Class, ClassKind, Qdisc, QdiscKind, Setting};
use crate::units::Handle;
use std::collections::hash_map::Entry;
use std::collections::HashMap;

/// HTB's levels: TC_HTB_MAXDEPTH of `linux/pkt_sched.h`.
const MAX_DEPTH: usize = 8;
/// HTB's prios: TC_HTB_NUMPRIO of `linux/pkt_sched.h`.
const MAX_PRIO: u32 = 7;
/// What HTB keeps a quantum within that it derives from a rate. `htb_change_class` of `net/sched/sch_htb.c`
const QUANTUM: std::ops::RangeInclusive<u64> = 1000..=200_000;
/// The kernel chooses handles from 8000: to ffff:. `qdisc_alloc_handle` of `net/sched/sch_api.c`
const CHOSEN_HANDLES: usize = 0x8000;

/// What is asked for by its handle, in no order: with many thousands this is most of the time that the check takes.
struct Queues<'a> {
    classes: HashMap<Handle, &'a Class>,
    /// By handle.
    qdiscs: HashMap<Handle, &'a Qdisc>,
    /// Classes by their parents.
    children: HashMap<Handle, Vec<&'a Class>>,
}

pub(super) fn check(wanted: &Tree, setting: Setting, findings: &mut Vec<Finding>) {
    let mut queues = Queues {
        classes: HashMap::with_capacity(wanted.classes().len()),
        qdiscs: HashMap::new(),
        children: HashMap::new(),
    };
    unique(wanted, &mut queues, findings);
    for qdisc in wanted.qdiscs() {
        queues.qdisc(qdisc, findings);
    }
    for class in wanted.classes() {
        queues.class(class, setting, findings);
    }
}

/// No handle and no place is taken twice.
fn unique<'a>(wanted: &'a Tree, queues: &mut Queues<'a>, findings: &mut Vec<Finding>) {
    let mut places: HashMap<Handle, &Qdisc> = HashMap::with_capacity(wanted.qdiscs().len());
    let mut chosen = 0;
    for qdisc in wanted.qdiscs() {
        if let Some(other) = places.insert(qdisc.parent, qdisc) {
            findings.push(Finding::error(qdisc, format!("`{other}` is at the same place")));
        }
        match qdisc.handle {
            Handle::UNSPEC => chosen += 1,
            handle => match queues.qdiscs.entry(handle) {
                Entry::Occupied(other) => {
                    findings.push(Finding::error(qdisc, format!("`{}` has the same handle", other.get())));
                }
                Entry::Vacant(entry) => {
                    entry.insert(qdisc);
                }
            },
        }
        if qdisc.handle.minor() != 0 {
            findings.push(Finding::error(qdisc, "the handle of a qdisc ends in 0"));
        }
    }
    if chosen > CHOSEN_HANDLES {
        let problem = format!(
            "{chosen} qdiscs leave their handles to the kernel, which has {CHOSEN_HANDLES}: give them some"
        );
        findings.push(Finding::error(format_args!("the tree of {}", wanted.dev()), problem));
    }
    for class in wanted.classes() {
        match queues.classes.entry(class.id) {
            Entry::Occupied(other) => {
                findings.push(Finding::error(class, format!("`{}` has the same handle", other.get())));
            }
            Entry::Vacant(entry) => {
                entry.insert(class);
            }
        }
        queues.children.entry(parent(class)).or_default().push(class);
    }
}

impl Queues<'_> {
    fn qdisc(&self, qdisc: &Qdisc, findings: &mut Vec<Finding>) {
        match &qdisc.kind {
            None => findings.push(Finding::error(qdisc, "it has no kind")),
            Some(QdiscKind::Htb(htb)) => self.htb(qdisc, htb, findings),
            Some(_) => (),
        }
        let place = qdisc.parent;
        if matches!(place, Handle::ROOT | Handle::INGRESS) {
            return;
        }
        if place == Handle::UNSPEC {
            findings.push(Finding::error(qdisc, "it does not say where it stands"));
        } else if self.children.contains_key(&place) && place.minor() != 0 {
            findings.push(Finding::error(qdisc, format!("class {place} has classes, and can have no qdisc")));
        } else if !self.has_class(place) {
            findings.push(Finding::error(qdisc, format!("there is no class {place}")));
        }
    }

    fn htb(&self, qdisc: &Qdisc, htb: &Htb, findings: &mut Vec<Finding>) {
        let Ok(minor) = u16::try_from(htb.default_class) else {
            findings.push(Finding::error(qdisc, "the default class is more than 16 bits"));
            return;
        };
        let class = Handle::new(qdisc.handle.major(), minor);
        let has_children = self.children.contains_key(&class);
        if minor != 0 && !self.classes.contains_key(&class) {
            let problem = format!("there is no class {class}: what no filter classifies will not be shaped");
            findings.push(Finding::warning(qdisc, problem));
        } else if minor != 0 && has_children {
            let problem = format!("class {class} has classes: what no filter classifies will not be shaped");
            findings.push(Finding::warning(qdisc, problem));
        }
        if htb.r2q == 0 {
            findings.push(Finding::error(qdisc, "r2q is 0"));
        }
    }

    /// Whether a place for a qdisc is there. Qdiscs other than HTB make their classes by themselves.
    fn has_class(&self, class: Handle) -> bool {
        match self.qdiscs.get(&Handle::qdisc(class.major())).map(|qdisc| &qdisc.kind) {
            Some(Some(QdiscKind::Htb(_))) | None => self.classes.contains_key(&class),
            Some(_) => class.minor() != 0,
        }
    }

    fn class(&self, class: &Class, setting: Setting, findings: &mut Vec<Finding>) {
        let id = class.id;
        let qdisc = self.qdiscs.get(&Handle::qdisc(id.major()));
        if id.minor() == 0 || id.major() == 0 {
            findings.push(Finding::error(class, "a class has a handle of two numbers, such as 1:10"));
            return;
        }
        let Some(qdisc) = qdisc else {
            findings.push(Finding::error(class, format!("there is no qdisc {}", Handle::qdisc(id.major()))));
            return;
        };
        let above = parent(class);
        if above.major() != id.major() {
            findings.push(Finding::error(class, format!("its parent {above} is of another qdisc")));
        } else if above.minor() != 0 && !self.classes.contains_key(&above) {
            let problem = format!("there is no class {above}: HTB would take it for the root");
            findings.push(Finding::error(class, problem));
        }
        if let Some(problem) = self.too_deep(class) {
            findings.push(Finding::error(class, problem));
        }
        match (&class.kind, &qdisc.kind) {
            (Some(ClassKind::Htb(options)), Some(QdiscKind::Htb(htb))) => {
                self.htb_class(class, options, Setting { r2q: htb.r2q, ..setting }, findings);
            }
            (Some(kind), Some(qdisc)) if kind.name() != qdisc.name() => {
                findings.push(Finding::error(class, format!("it is no class of {}", qdisc.name())));
            }
            (None, _) => findings.push(Finding::error(class, "it has no kind")),
            _ => (),
        }
    }

    /// HTB counts the levels from the leaves up.
    fn too_deep(&self, class: &Class) -> Option<String> {
        let mut above = class;
        for _ in 1..MAX_DEPTH {
            match self.classes.get(&parent(above)) {
                Some(class) => above = class,
                None => return None,
            }
        }
        let deeper = self.classes.contains_key(&parent(above));
        deeper.then(|| format!("there are more than {MAX_DEPTH} levels of classes"))
    }

    fn htb_class(&self, class: &Class, options: &HtbClass, setting: Setting, findings: &mut Vec<Finding>) {
        if options.prio > MAX_PRIO {
            findings
                .push(Finding::error(class, format!("the prio is {}, and at most {MAX_PRIO}", options.prio)));
        }
        let ceil = options.ceil_or_rate();
        if ceil < options.rate {
            let problem = format!("the ceil of {ceil} is below the rate of {}", options.rate);
            findings.push(Finding::warning(class, problem));
        }
        let children = self.children.get(&class.id).map(Vec::as_slice).unwrap_or_default();
        if children.is_empty() {
            quantum(class, options, setting.r2q, findings);
            return;
        }
        let rates = children.iter().filter_map(|child| match &child.kind {
            Some(ClassKind::Htb(child)) => Some(u128::from(child.rate.as_bytes_per_second())),
            _ => None,
        });
        let sum: u128 = rates.sum();
        if sum > u128::from(options.rate.as_bytes_per_second()) {
            let problem = format!(
                "its classes are guaranteed {} kbit/s together, and it has {}",
                sum.saturating_mul(8) / 1000,
                options.rate
            );
            findings.push(Finding::warning(class, problem));
        }
    }
}

/// The bytes of a leaf's turn.
fn quantum(class: &Class, options: &HtbClass, r2q: u32, findings: &mut Vec<Finding>) {
    let derived = options.rate.as_bytes_per_second() / u64::from(r2q.max(1));
    let problem = match options.quantum {
        0 if !QUANTUM.contains(&derived) => format!(
            "its quantum would be {derived} bytes (rate by r2q): the kernel takes {} and warns; say a quantum or another r2q",
            derived.clamp(*QUANTUM.start(), *QUANTUM.end()),
        ),
        0 => return,
        quantum if !QUANTUM.contains(&quantum.into()) => {
            format!("the quantum is {quantum} bytes; 1000 to 200000 make sense")
        }
        _ => return,
    };
    findings.push(Finding::warning(class, problem));
}
