//! Every recorded command ends as it did with iproute2: with the same exit status, and where the kernel refused it with the same
//! words, in a namespace that was set up in the same way.

use crate::common::{in_netns, is_slow, trial, Outcome, Stop};
use crate::known;
use crate::machine::{kernel, run, set_up, words, Ended, Whose};
use crate::recorded::{all, groups, Recorded};
use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    let of = |group: &'static str| {
        let title = format!("recorded commands end as with iproute2: {group}");
        trial(&title, move || ends(group))
    };
    groups().into_iter().map(of).collect()
}

fn ends(group: &str) -> Outcome {
    let mut differences = Vec::new();
    let mut skipped = 0;
    for one in all().iter().filter(|one| one.group == group) {
        if known::is_not_ours(&one.cmd) {
            skipped += 1;
            continue;
        }
        let ours = end(Whose::Ours, one)?;
        // Where programs start slowly, what was recorded on the same kernel stands for what the installed one does.
        let theirs = match is_slow() && kernel().starts_with("6.12.") {
            true => Ended { status: one.kernel_rc, stdout: String::new(), stderr: one.stderr.clone() },
            false => end(Whose::Theirs, one)?,
        };
        if let Some(difference) = compare(one, &ours, &theirs) {
            if known::status(&one.id).is_none() {
                differences.push(format!("{}: {}\n{difference}", one.id, one.cmd));
            }
        }
        // What is shown is compared elsewhere.
        let shows = [" show", " get ", " flush"].iter().any(|verb| one.cmd.contains(verb));
        if !shows && ours.status == 0 && theirs.status == 0 && ours.stdout != theirs.stdout {
            differences.push(format!("{}: {}\n    prints {:?}", one.id, one.cmd, ours.stdout));
        }
    }
    if skipped > 0 {
        println!("{group}: {skipped} commands are of kinds that the crate does not have");
    }
    match differences.len() {
        0 => Ok(()),
        count => Err(Stop::Fail(format!("{count} differences\n{}", differences.join("\n")))),
    }
}

fn end(whose: Whose, one: &Recorded) -> Result<Ended, Stop> {
    in_netns(|| {
        set_up(&one.setup)?;
        run(whose, &words(&one.cmd))
    })
}

/// The difference, if there is one that matters. What is wrong with words each program says in its own words.
fn compare(one: &Recorded, ours: &Ended, theirs: &Ended) -> Option<String> {
    let recorded = if kernel().starts_with("6.12.") {
        ours.status == one.kernel_rc
    } else {
        [one.kernel_rc, one.host_rc, theirs.status].contains(&ours.status)
    };
    let refused = theirs.status == 2;
    let same =
        ours.status == theirs.status && (!refused || ours.stderr.trim_end() == theirs.stderr.trim_end());
    // The installed iproute2 may be too old for the words.
    let is_new = [1, 255].contains(&theirs.status) && one.kernel_rc == 0;
    if recorded && (same || is_new) {
        return None;
    }
    let said = |ended: &Ended| format!("{} {:?}", ended.status, ended.stderr);
    Some(format!("    ours:   {}\n    theirs: {} (recorded {})", said(ours), said(theirs), one.kernel_rc))
}
