use super::*;

const JSON: &str = r#"{"trees": [{"dev": "eth1",
    "qdiscs": [{"htb": {"default": "20"}, "root": true, "handle": "1:"}, "parent 1:10 handle 10: pfifo limit 50"],
    "classes": [{"parent": "1:", "classid": "1:10", "htb": {"rate": "30mbit", "ceil": "100mbit"}}],
    "filters": [{"parent": "1:", "prio": 1, "protocol": "ip",
        "u32": {"match": ["ip dst 192.0.2.1/32", "ip protocol 6 0xff"], "classid": "1:10"}}]}]}"#;

#[test]
fn a_tree_is_read_from_maps_and_texts_and_reads_as_it_was_written() {
    let desired: Desired = serde_json::from_str(JSON).unwrap();
    let tree = &desired.trees[0];
    assert_eq!(tree.dev().to_string(), "eth1");
    let qdiscs: Vec<String> = tree.qdiscs().iter().map(ToString::to_string).collect();
    assert_eq!(
        qdiscs,
        [
            "tc qdisc add dev eth1 root handle 1: htb default 0x20",
            "tc qdisc add dev eth1 parent 1:10 handle 10: pfifo limit 50"
        ]
    );
    assert_eq!(
        tree.classes()[0].to_string(),
        "tc class add dev eth1 parent 1: classid 1:10 htb rate 30Mbit ceil 100Mbit"
    );
    assert!(tree.filters()[0].to_string().contains("match"), "{}", tree.filters()[0]);
    let written = serde_json::to_string(&desired).unwrap();
    let again: Desired = serde_json::from_str(&written).unwrap();
    assert_eq!(again.trees[0].filters(), tree.filters());
    assert_eq!(again.trees[0].qdiscs(), tree.qdiscs());
    assert_eq!(serde_json::to_string(&again).unwrap(), written);
}

#[test]
fn a_policy_is_read_and_reads_as_it_was_written() {
    let desired: Desired = serde_json::from_str(
        r#"{"policy": {"tables": [100, 199], "addresses_of": ["lan0"],
            "routes": [{"to": "default", "via": "192.0.2.1", "dev": "eth1", "table": 101}, "blackhole 10.0.0.0/8 table 102"],
            "rules": [{"from": "192.0.2.7", "lookup": 101, "pref": 1000}, "-6 fwmark 1 lookup 101 pref 1001"],
            "nexthops": [{"id": 7, "via": "192.0.2.9", "dev": "eth1"}],
            "addresses": [{"local": "198.51.100.1/24", "dev": "lan0"}]}}"#,
    )
    .unwrap();
    let policy = desired.policy.as_ref().unwrap();
    assert_eq!(policy.len(), 6);
    assert_eq!(policy.rules()[1].to_string(), "ip -6 rule add fwmark 0x1 lookup 101 pref 1001");
    assert_eq!(policy.routes()[0].to_string(), "ip route add default via 192.0.2.1 dev eth1 table 101");
    let written = serde_json::to_string(&desired).unwrap();
    let again: Desired = serde_json::from_str(&written).unwrap();
    assert_eq!(again.policy.as_ref().unwrap().rules(), policy.rules());
    assert_eq!(serde_json::to_string(&again).unwrap(), written);
}

#[test]
fn errors_name_the_path() {
    for (from, to, path) in [
        ("30mbit", "30mbitt", "trees[0].classes[0].htb.rate: "),
        (r#""ceil""#, r#""ceiling""#, "trees[0].classes[0].htb.ceiling: "),
        (r#""prio": 1"#, r#""prio": [1, 2]"#, "trees[0].filters[0]"),
        (r#""prio": 1"#, r#""prio": null"#, "null"),
        (r#""default": "20""#, r#""default": 32"#, "trees[0].qdiscs[0].htb.default: the number 32"),
        (r#""dev": "eth1""#, r#""dev": "a name that is too long""#, "trees[0].dev: "),
        (r#""classes""#, r#""klasses""#, "unknown field `klasses`"),
        ("limit 50", "limit many", "trees[0].qdiscs[1]: "),
    ] {
        let error = serde_json::from_str::<Desired>(&JSON.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(path), "{error}");
    }
}

#[test]
fn json_toml_and_yaml_say_the_same() {
    const TOML: &str = r#"
        [[trees]]
        dev = "eth1"
        qdiscs = [{ root = true, handle = "1:", htb = { default = "20" } }, "parent 1:10 handle 10: pfifo limit 50"]
        [[trees.classes]]
        parent = "1:"
        classid = "1:10"
        htb = { rate = "30mbit", ceil = "100mbit" }
        [[trees.filters]]
        parent = "1:"
        prio = 1
        protocol = "ip"
        u32 = { match = ["ip dst 192.0.2.1/32", "ip protocol 6 0xff"], classid = "1:10" }"#;
    const YAML: &str = r#"
trees:
- dev: eth1
  qdiscs:
  - { root: true, handle: "1:", htb: { default: "20" } }
  - "parent 1:10 handle 10: pfifo limit 50"
  classes:
  - { parent: "1:", classid: "1:10", htb: { rate: 30mbit, ceil: 100mbit } }
  filters:
  - parent: "1:"
    prio: 1
    protocol: ip
    u32: { match: [ip dst 192.0.2.1/32, ip protocol 6 0xff], classid: "1:10" }"#;
    let text = |desired: &Desired| serde_json::to_string(desired).unwrap();
    let json: Desired = serde_json::from_str(JSON).unwrap();
    let toml: Desired = toml::from_str(TOML).unwrap();
    let yaml: Desired = serde_yaml_ng::from_str(YAML).unwrap();
    assert_eq!(text(&toml), text(&json));
    assert_eq!(text(&yaml), text(&json));
    let again: Desired = toml::from_str(&toml::to_string(&json).unwrap()).unwrap();
    assert_eq!(text(&again), text(&json));
    let again: Desired = serde_yaml_ng::from_str(&serde_yaml_ng::to_string(&json).unwrap()).unwrap();
    assert_eq!(text(&again), text(&json));
    let error = toml::from_str::<Desired>(&TOML.replace("30mbit", "fast")).unwrap_err().to_string();
    assert!(error.contains("trees[0].classes[0].htb.rate: "), "{error}");
    let error =
        serde_yaml_ng::from_str::<Desired>(&YAML.replace("ceil:", "sealing:")).unwrap_err().to_string();
    assert!(error.contains("trees[0].classes[0].htb.sealing: "), "{error}");
    // This one is 32 to every reader of TOML, and would be 0x32 to tc.
    let error = toml::from_str::<Desired>(&TOML.replace("\"20\"", "0x20")).unwrap_err().to_string();
    assert!(error.contains("htb.default: the number 32 has to be a text"), "{error}");
}
