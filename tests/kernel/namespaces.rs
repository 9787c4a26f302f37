//! The ground that the other tests stand on: a namespace of their own, in which
//! the installed tools work and the kernel finds its modules.

use libtest_mimic::Trial;

use crate::common::{in_netns, ip, tc, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a new namespace has no link but lo", || {
            let links = ip("-oneline link")?;
            assert_eq!(links.lines().count(), 1, "{links}");
            assert!(links.starts_with("1: lo: "), "{links}");
            Ok(())
        }),
        trial("a second namespace does not see the first one's links", || {
            ip("link add one type bridge")?;
            let there = in_netns(|| ip("-oneline link"))?;
            assert!(ip("-oneline link")?.contains(" one: "));
            assert!(!there.contains(" one: "), "{there}");
            Ok(())
        }),
        trial("tc adds a pfifo to lo", || {
            tc("qdisc add dev lo root handle 1: pfifo limit 7")?;
            let shown = tc("qdisc show dev lo")?;
            assert!(shown.starts_with("qdisc pfifo 1: root refcnt 2 limit 7p"), "{shown}");
            Ok(())
        }),
        trial("the kernel loads a qdisc that is a module", || {
            tc("qdisc add dev lo root sfq").map_err(|stop| stop.skip_if("kind is unknown"))?;
            let shown = tc("qdisc show dev lo")?;
            assert!(shown.starts_with("qdisc sfq "), "{shown}");
            Ok(())
        }),
    ]
}
