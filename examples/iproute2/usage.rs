//! How the programs are used.

use super::failure::Failure;
use super::print;
use tcnl::command::{Noun, Tool};

/// Says how a program, or one of its objects, is used. `tc` was asked and has answered; `ip` counts it as a failure.
pub fn help(tool: Tool, noun: Option<Noun>) -> Result<(), Failure> {
    match (tool, noun) {
        (Tool::Tc, None) => print(TC),
        (Tool::Tc, Some(noun)) => print(&object(noun)),
        (Tool::Ip, noun) => Err(Failure::new(
            255,
            noun.map_or_else(|| IP.trim_end().to_owned(), |noun| object(noun).trim_end().to_owned()),
        )),
    }
}

const TC: &str = "\
usage: tc [option]... { qdisc | class | filter | chain | actions } { add | change | replace | delete | get | show } word...
       tc [option]... monitor
       tc [-force] -batch FILE
options: -s[tatistics]  -d[etails]  -r[aw]  -o[neline]  -j[son]  -p[retty]  -iec  -N[umeric]
         -n[etns] NAME  -b[atch] FILE  -t[imestamp]  -ts[hort]  -V[ersion]
";

const IP: &str = "\
usage: ip [option]... { address | link | nexthop | route | rule } { add | change | replace | delete | get | flush | show } word...
       ip [option]... monitor [object]...
       ip [-force] -batch FILE
options: -s[tatistics]  -d[etails]  -o[neline]  -j[son]  -p[retty]  -N[umeric]  -4  -6  -f[amily] { inet | inet6 }
         -n[etns] NAME  -b[atch] FILE  -t[imestamp]  -ts[hort]  -V[ersion]
";

fn object(noun: Noun) -> String {
    let tool = noun.tool();
    let noun = noun.word();
    format!("usage: {tool} {noun} verb word...\nThe words are those of the manual page {tool}-{noun}(8).\n")
}
