//! Qdiscs and classes.

use super::super::settle::{distinct, parent};
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
    classes: Sorted<'a, Class>,
    /// Those that leave their handle to the kernel are the first.
    qdiscs: Sorted<'a, Qdisc>,
    /// In the order of their handles, and few.
    parents: Vec<Parent<'a>>,
    /// The qdiscs of classes, which are few, too.
    classful: Sorted<'a, Qdisc>,
}

/// What has classes.
struct Parent<'a> {
    id: Handle,
    /// What it is, if it is a class.
    class: Option<&'a Class>,
    children: Vec<&'a Class>,
}

/// Objects in the order of a handle.
type Sorted<'a, T> = Vec<(Handle, &'a T)>;

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
    for (_, one, other) in twins(&sorted(wanted.qdiscs(), |qdisc| qdisc.parent)) {
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

/// In the order of a handle; what has the same stays in its order.
fn sorted<T>(all: &[T], handle: impl Fn(&T) -> Handle) -> Sorted<'_, T> {
    let mut sorted: Vec<_> = all.iter().map(|one| (handle(one), one)).collect();
    sorted.sort_by_key(|(handle, _)| *handle);
    sorted
}

/// Those that follow one with the same handle, which stands in front.
fn twins<'a, 'b, T>(all: &'b Sorted<'a, T>) -> impl Iterator<Item = (Handle, &'a T, &'a T)> + use<'a, 'b, T> {
    let pairs = all.iter().zip(all.iter().skip(1));
    pairs.filter(|(one, other)| one.0 == other.0).map(|(one, other)| (one.0, one.1, other.1))
}

fn get<'a, T>(all: &Sorted<'a, T>, handle: Handle) -> Option<&'a T> {
    let index = all.binary_search_by_key(&handle, |(handle, _)| *handle).ok()?;
    all.get(index).map(|(_, found)| *found)
}

impl<'a> Queues<'a> {
    /// Takes in what is wanted, of which no handle is there twice.
    fn of(wanted: &'a Tree, findings: &mut Vec<Finding>) -> Self {
        let qdiscs = sorted(wanted.qdiscs(), |qdisc| qdisc.handle);
        for (_, one, other) in twins(&qdiscs).filter(|(handle, ..)| *handle != Handle::UNSPEC) {
            findings.push(Finding::error(other, format!("`{one}` has the same handle")));
        }
        for (_, qdisc) in qdiscs.iter().filter(|(handle, _)| handle.minor() != 0) {
            findings.push(Finding::error(qdisc, "the handle of a qdisc ends in 0"));
        }
        let classes = sorted(wanted.classes(), |class| class.id);
        for (_, one, other) in twins(&classes) {
            findings.push(Finding::error(other, format!("`{one}` has the same handle")));
        }
        let used = distinct(classes.iter().map(|(id, _)| Handle::qdisc(id.major())));
        let classful = used.into_iter().filter_map(|handle| Some((handle, get(&qdiscs, handle)?))).collect();
        let children = sorted(wanted.classes(), parent);
        let children = children.chunk_by(|one, other| one.0 == other.0);
        let parents = children.filter_map(|part| {
            let id = part.first()?.0;
            let children = part.iter().map(|(_, child)| *child).collect();
            Some(Parent { id, class: get(&classes, id), children })
        });
        Queues { parents: parents.collect(), classes, qdiscs, classful }
    }

    fn get(&self, id: Handle) -> Option<&'a Class> {
        get(&self.classes, id)
    }

    /// The qdisc of a class.
    fn qdisc_of(&self, class: Handle) -> Option<&'a Qdisc> {
        let handle = Some(Handle::qdisc(class.major())).filter(|handle| *handle != Handle::UNSPEC)?;
        get(&self.classful, handle).or_else(|| get(&self.qdiscs, handle))
    }

    fn parent(&self, id: Handle) -> Option<&Parent<'a>> {
        let index = self.parents.binary_search_by_key(&id, |parent| parent.id).ok()?;
        self.parents.get(index)
    }

    fn children(&self, id: Handle) -> &[&'a Class] {
        self.parent(id).map(|parent| parent.children.as_slice()).unwrap_or_default()
    }

    /// The class that a class stands in.
    fn above(&self, class: &Class) -> Option<&'a Class> {
        self.parent(parent(class))?.class
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
        } else if above.minor() != 0 && self.above(class).is_none() {
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
            match self.above(above) {
                Some(class) => above = class,
                None => return None,
            }
        }
        let deeper = self.above(above).is_some();
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
