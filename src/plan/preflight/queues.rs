//! Qdiscs and classes.

use super::super::settle::parent;
use super::super::{Finding, Tree};
use crate::tc::htb::{Htb, HtbClass};
use crate::tc::{Class, ClassKind, Qdisc, QdiscKind, Setting};
use crate::units::Handle;

/// HTB's levels: TC_HTB_MAXDEPTH of `linux/pkt_sched.h`.
const MAX_DEPTH: usize = 8;
/// HTB's prios: TC_HTB_NUMPRIO of `linux/pkt_sched.h`.
const MAX_PRIO: u32 = 7;
/// What HTB keeps a quantum within that it derives from a rate. `htb_change_class` of `net/sched/sch_htb.c`
const QUANTUM: std::ops::RangeInclusive<u64> = 1000..=200_000;
/// The kernel chooses handles from 8000: to ffff:. `qdisc_alloc_handle` of `net/sched/sch_api.c`
const CHOSEN_HANDLES: usize = 0x8000;

/// What is asked for by its handle. It is sorted, which costs next to nothing where it was written down in order.
struct Queues<'a> {
    classes: Vec<&'a Class>,
    /// By handle; those that leave it to the kernel are the first.
    qdiscs: Vec<&'a Qdisc>,
    /// The classes below each parent.
    children: Vec<(Handle, Vec<&'a Class>)>,
}

pub(super) fn check(wanted: &Tree, setting: Setting, findings: &mut Vec<Finding>) {
    unique(wanted, findings);
    let queues = Queues::of(wanted, findings);
    for qdisc in wanted.qdiscs() {
        queues.qdisc(qdisc, findings);
    }
    for class in wanted.classes() {
        queues.class(class, setting, findings);
    }
}

/// No place is taken twice, and the kernel can choose the handles that are left to it.
fn unique(wanted: &Tree, findings: &mut Vec<Finding>) {
    let places = sorted(wanted.qdiscs(), |qdisc| qdisc.parent);
    for (one, other) in neighbours(&places).filter(|(one, other)| one.parent == other.parent) {
        findings.push(Finding::error(other, format!("`{one}` is at the same place")));
    }
    let chosen = wanted.qdiscs().iter().filter(|qdisc| qdisc.handle == Handle::UNSPEC).count();
    if chosen > CHOSEN_HANDLES {
        let problem = format!(
            "{chosen} qdiscs leave their handles to the kernel, which has {CHOSEN_HANDLES}: give them some"
        );
        findings.push(Finding::error(format_args!("the tree of {}", wanted.dev()), problem));
    }
}

/// In the order of a key; what has the same stays in its order.
fn sorted<T>(all: &[T], key: impl Fn(&T) -> Handle) -> Vec<&T> {
    let mut sorted: Vec<&T> = all.iter().collect();
    sorted.sort_by_key(|one| key(one));
    sorted
}

fn neighbours<'a, 'b, T>(all: &'b [&'a T]) -> impl Iterator<Item = (&'a T, &'a T)> + use<'a, 'b, T> {
    all.iter().copied().zip(all.iter().copied().skip(1))
}

impl<'a> Queues<'a> {
    /// Takes in what is wanted, of which no handle is there twice.
    fn of(wanted: &'a Tree, findings: &mut Vec<Finding>) -> Self {
        let qdiscs = sorted(wanted.qdiscs(), |qdisc| qdisc.handle);
        for (one, other) in neighbours(&qdiscs).filter(|(one, other)| one.handle == other.handle) {
            if one.handle != Handle::UNSPEC {
                findings.push(Finding::error(other, format!("`{one}` has the same handle")));
            }
        }
        for qdisc in qdiscs.iter().filter(|qdisc| qdisc.handle.minor() != 0) {
            findings.push(Finding::error(qdisc, "the handle of a qdisc ends in 0"));
        }
        let classes = sorted(wanted.classes(), |class| class.id);
        for (one, other) in neighbours(&classes).filter(|(one, other)| one.id == other.id) {
            findings.push(Finding::error(other, format!("`{one}` has the same handle")));
        }
        let children = sorted(wanted.classes(), parent);
        let of_parent = children.chunk_by(|one, other| parent(one) == parent(other));
        let of_parent = of_parent.filter_map(|part| Some((parent(part.first()?), part.to_vec())));
        Queues { children: of_parent.collect(), classes, qdiscs }
    }

    fn get(&self, id: Handle) -> Option<&'a Class> {
        // Mostly a parent is asked for, which mostly is a qdisc.
        if id.minor() == 0 {
            return None;
        }
        let index = self.classes.binary_search_by_key(&id, |class| class.id).ok()?;
        self.classes.get(index).copied()
    }

    /// The qdisc of a class.
    fn qdisc_of(&self, class: Handle) -> Option<&'a Qdisc> {
        let handle = Some(Handle::qdisc(class.major())).filter(|handle| *handle != Handle::UNSPEC)?;
        let index = self.qdiscs.binary_search_by_key(&handle, |qdisc| qdisc.handle).ok()?;
        self.qdiscs.get(index).copied()
    }

    fn children(&self, id: Handle) -> &[&'a Class] {
        let index = self.children.binary_search_by_key(&id, |(parent, _)| *parent).ok();
        let found = index.and_then(|index| self.children.get(index));
        found.map(|(_, children)| children.as_slice()).unwrap_or_default()
    }

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
        } else if !self.children(place).is_empty() && place.minor() != 0 {
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
        let has_children = !self.children(class).is_empty();
        if minor != 0 && self.get(class).is_none() {
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
        match self.qdisc_of(class).map(|qdisc| &qdisc.kind) {
            Some(Some(QdiscKind::Htb(_))) | None => self.get(class).is_some(),
            Some(_) => class.minor() != 0,
        }
    }

    fn class(&self, class: &Class, setting: Setting, findings: &mut Vec<Finding>) {
        let id = class.id;
        let qdisc = self.qdisc_of(id);
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
        } else if above.minor() != 0 && self.get(above).is_none() {
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
            match self.get(parent(above)) {
                Some(class) => above = class,
                None => return None,
            }
        }
        let deeper = self.get(parent(above)).is_some();
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
        let children = self.children(class.id);
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
