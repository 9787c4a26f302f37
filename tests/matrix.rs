//! The report of `tests/kernels/run`, from logs as its machines write them.

use std::fs;
use std::process::Command;

const HOST: &str = "\
=== kernel 6.18.0
=== lib tcnl
test result: ok. 425 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s
=== exit 0
=== test kernel
test one test ... ignored, the kernel has no sfq
test a fourth ... ignored, it takes long
test result: FAILED. 7 passed; 1 failed; 4 ignored; 0 measured; 0 filtered out; finished in 1s
SKIP one test: the kernel has no sfq
SKIP another: the kernel does not have fw: Operation not supported
SKIP a third: the kernel has no sfq
=== exit 101
=== finished
";

const OLD: &str = "\
=== kernel 6.1.0-48-amd64
=== lib tcnl
=== exit 134
=== example tc
=== exit 0
=== test kernel
";

const TABLE: &str = "\
passed / failed / skipped
                                         host                  6.1                 none
Linux                                  6.18.0       6.1.0-48-amd64        did not start
lib tcnl                          425 / 0 / 0            0 / 1 / 0          did not run
test kernel                         7 / 1 / 4       did not finish          did not run
example tc                        did not run            1 / 0 / 0          did not run
skipped on host:
     2 x the kernel has no sfq
     1 x it takes long
     1 x the kernel does not have fw: Operation not supported
";

#[test]
fn the_table_says_for_every_program_and_kernel_what_ran_and_why_not() {
    let dir = concat!(env!("CARGO_TARGET_TMPDIR"), "/matrix");
    fs::create_dir_all(dir).expect("the directory for tests can be written");
    let logs = [("host", HOST), ("6.1", OLD), ("none", "")].map(|(kernel, log)| {
        let path = format!("{dir}/log-{kernel}.txt");
        fs::write(&path, log).expect("the log can be written");
        path
    });
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kernels/table");
    // Every Debian has an awk: mawk, unless somebody wants another.
    let out = Command::new("awk").arg("-f").arg(table).args(logs).output().expect("awk runs");
    assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    assert_eq!(String::from_utf8_lossy(&out.stdout), TABLE);
}
