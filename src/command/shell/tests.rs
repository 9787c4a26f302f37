use crate::command::Script;
use proptest::prelude::*;

/// The lines as they print, with their numbers.
fn read(text: &str) -> Vec<String> {
    match Script::parse(text) {
        Ok(script) => script.lines.iter().map(|line| format!("{} {line}", line.number)).collect(),
        Err(error) => vec![error.to_string()],
    }
}

fn refused(text: &str) -> String {
    Script::parse(text).map(|script| script.to_string()).expect_err(text).to_string()
}

#[test]
fn a_script_is_read_with_line_numbers() {
    let text = "#!/bin/sh\r
# tc qdisc add dev nosuch root pfifo\r
DEV=eth0  # never used\r
\r
modprobe ifb numifbs=1\r
/sbin/tc qdisc del dev eth0 root >/dev/null 2>&1 || true\r
ip link set eth0 up; ip link set eth0 alias 'a \"b'; echo done\r
tc qdisc add dev \"eth0\" \\\r
   root handle 1: htb default 10 &&\r
   tc class add dev eth0 parent 1: classid 1:10 htb rate 1mbit\r
LC_ALL=C sudo ip -6 route add default via fe80::1 dev eth0\r
ip netns exec blue tc -s qdisc add dev eth0 root pfifo 2> /dev/null || exit 1\r
";
    let expected = [
        "6 tc qdisc del dev eth0 root || true",
        "7 ip link set dev eth0 up",
        "7 ip link set dev eth0 alias 'a \"b'",
        "8 tc qdisc add dev eth0 root handle 1: htb default 0x10",
        "10 tc class add dev eth0 parent 1: classid 1:10 htb rate 1Mbit",
        "11 ip -6 route add default via fe80::1 dev eth0",
        "12 tc -s -n blue qdisc add dev eth0 root pfifo",
    ];
    assert_eq!(read(text), expected);
    let script = Script::parse(text).unwrap();
    let others: Vec<_> = script.others.iter().map(|other| (other.number, other.text.as_str())).collect();
    assert_eq!(others, [(3, "DEV=eth0"), (5, "modprobe ifb numifbs=1"), (7, "echo done")]);
    let printed = script.to_string();
    assert_eq!(Script::parse(&printed).map(|script| script.to_string()), Ok(printed));
}

#[test]
fn what_a_shell_decides_is_refused_with_its_line() {
    for (text, expected) in [
        ("\ntc qdisc add dev $DEV root pfifo", "line 2: `$DEV` stands for something else: variables are not read"),
        ("tc qdisc add dev `one` root pfifo", "line 1: `\u{60}one\u{60}` stands for something else: variables are not read"),
        ("tc qdisc del dev \"${D:-a b}\" root", "line 1: `${D:-a b}` stands for something else: variables are not read"),
        ("$TC qdisc show", "line 1: `$TC` may be tc or ip: variables are not read"),
        ("$BIN/ip link", "line 1: `$BIN` stands for something else: variables are not read"),
        ("if true; then\n tc qdisc show\nfi", "line 2: this stands inside the `if` of line 1: control flow is not read"),
        ("for d in a b; do ip link show; done", "line 1: this stands inside the `for` of line 1: control flow is not read"),
        ("f() {\n tc qdisc show\n}", "line 2: this stands inside the `{` of line 1: control flow is not read"),
        ("function f {\n tc qdisc show\n}", "line 2: this stands inside the `function` of line 1: control flow is not read"),
        ("case $1 in\nstart|on) tc qdisc show;; esac", "line 2: this stands inside the `case` of line 1: control flow is not read"),
        ("case $1 in\n(on) tc qdisc show;; esac", "line 2: this stands inside the `case` of line 1: control flow is not read"),
        ("(tc qdisc show)", "line 1: this stands inside the `(` of line 1: a subshell is not read"),
        ("tc qdisc show | grep x", "line 1: this writes into a pipe: what is done with its output is not read"),
        ("cat x | tc -b -", "line 1: this reads from a pipe"),
        ("ip link &", "line 1: this is carried out in the background: in which order is not known"),
        ("! ip link", "line 1: that this must fail (!) is not read"),
        ("ip link > x", "line 1: `> x` is not read: only /dev/null may stand there"),
        ("modprobe x && ip link", "line 1: this is carried out only if `modprobe x` succeeds: control flow is not read"),
        ("[ -e x ] || ip link", "line 1: this is carried out only if `[ -e x ]` fails: control flow is not read"),
        ("[[ -e x && -e y ]] && ip link", "line 1: this is carried out only if `-e y ]]` succeeds: control flow is not read"),
        ("ip link || echo no", "line 1: what is done if this fails is not read: only || true, || : and || exit are"),
        ("ip link\n\nexit 0\nip link", "line 4: this is never reached: the script ends on line 3"),
        ("tc -b rules", "line 1: the batch stands in another file: read that by itself"),
        ("timeout 5 ip route show", "line 1: `timeout` calls ip here: only what the script itself calls is read"),
        ("eval 'tc qdisc show'", "line 1: `eval` calls tc here: only what the script itself calls is read"),
        ("echo 'abc", "line 1: the quote that begins here is not closed"),
        ("if true; then echo", "line 1: what begins with `if` does not end"),
        ("fi", "line 1: `fi` ends what did not begin"),
        ("cat <<EOF\nabc", "line 2: the text that begins here does not end: there is no EOF"),
        ("\n/sbin/tc qdisk", "line 2:\ntc qdisk\n   ^^^^^ \"qdisk\" is not an object of tc: expected one of qdisc, class, filter, chain, actions, monitor, help"),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
}

#[test]
fn what_does_not_concern_tc_and_ip_may_be_anything() {
    let text = "if [ -n \"$1\" ]; then echo tc qdisc show; fi
f() { for x in $(seq 3); do echo `date` \"$(tc qdisc)\"; done; }
case $2 in a|b) exit 1;; *) f;; esac
cat <<-'END' >file
\ttc qdisc show
\tEND
diff <(a) >(b) | while read x; do echo ${x#\\\"}; done
x=$((1 + 2)); export PATH=/sbin:$PATH
ip link set eth0 up && echo up";
    assert_eq!(read(text), ["9 ip link set dev eth0 up"]);
}

#[test]
fn a_batch_may_stand_in_a_script() {
    let text = "tc -force -batch - <<'EOF' || true
# $DEV
qdisc add dev eth0 root \\
  pfifo
EOF
ip -n blue -b - <<EOF
link set $DEV up
EOF";
    assert_eq!(read(text), ["line 7: the shell puts something else here: variables are not read"]);
    let quoted = text.replace("$DEV", "eth0");
    assert_eq!(
        read(&quoted),
        ["3 tc qdisc add dev eth0 root pfifo || true", "7 ip -n blue link set dev eth0 up"]
    );
    let unknown = refused(&quoted.replace("-force", ""));
    assert_eq!(
        unknown,
        "line 1: a batch that may fail ends with its first command that does, which is not known"
    );
}

proptest! {
    #[test]
    fn no_text_panics(
        pieces in prop::collection::vec(prop::sample::select(&[
            "tc", "ip", "qdisc", "link", "show", " ", " ", "\n", ";", "&&", "||", "|", "&", "(", ")", "{", "}", "if", "fi", "case",
            "esac", "for", "done", "$", "`", "'", "\"", "\\", "\r\n", "<<EOF", "<<-'E'", "EOF", "\n", ">", "2>&1", "<(", "#", "!", "=",
            "$(", "${", "-b", "-", "\u{e9}", "\0",
        ]), 0..40),
    ) {
        if let Ok(script) = Script::parse(&pieces.concat()) {
            let printed = script.to_string();
            prop_assert_eq!(Script::parse(&printed).map(|script| script.to_string()), Ok(printed));
        }
    }
}
