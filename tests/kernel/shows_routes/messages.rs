//! Messages of kernels, devices and times that are not at hand, byte by byte: header and attributes.

pub const ROUTE: u16 = 24;
pub const RULE: u16 = 32;
const NEXTHOP: u16 = 104;

type Attributes<'a> = &'a [(u16, &'a [u8])];

/// All of them, with their types.
pub fn all() -> Vec<(u16, Vec<u8>)> {
    let mut all = Vec::new();
    routes(|head, flags, attributes| all.push((ROUTE, message(ROUTE, &head, flags, attributes))));
    rules(|head, flags, attributes| all.push((RULE, message(RULE, &head, flags, attributes))));
    nexthops(|head, flags, attributes| all.push((NEXTHOP, message(NEXTHOP, &head, flags, attributes))));
    all
}

fn message(ty: u16, head: &[u8], flags: u32, attributes: Attributes<'_>) -> Vec<u8> {
    let mut body = [head, &flags.to_ne_bytes()].concat();
    body.extend(set(attributes));
    let len = u32::try_from(16 + body.len()).expect("a short message");
    [&len.to_ne_bytes()[..], &ty.to_ne_bytes(), &[0; 10], &body].concat()
}

fn set(attributes: Attributes<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for (ty, payload) in attributes {
        let len = u16::try_from(4 + payload.len()).expect("a short attribute");
        out.extend([&len.to_ne_bytes()[..], &ty.to_ne_bytes(), payload].concat());
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

fn n(number: u32) -> [u8; 4] {
    number.to_ne_bytes()
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|&number| n(number)).collect()
}

fn routes(mut say: impl FnMut([u8; 8], u32, Attributes<'_>)) {
    let v4 = |tos, table, protocol, scope, kind| [2, 0, 0, tos, table, protocol, scope, kind];
    let plain = v4(0, 254, 3, 0, 1);
    // All flags but that of an answer.
    say(plain, !0x200, &[]);
    say([2, 32, 5, 0, 254, 3, 0, 1], 0, &[(1, &[1, 2, 3, 4]), (2, &[8, 0, 0, 0])]);
    say(v4(0, 0, 77, 3, 77), 0, &[(15, &n(1000))]);
    say(v4(0, 253, 99, 200, 10), 0, &[]);
    say(v4(0, 0, 0, 255, 0), 0, &[(15, &n(0))]);
    for tos in [0x28, 0x10, 0x1d, 4, 0xe0] {
        say(v4(tos, 254, 3, 0, 1), 0, &[]);
    }
    // Metrics, all of them, fixed without values, and times.
    let numbers = |value: u32| {
        let number = |ty: u16| (ty != 12).then(|| (ty, n(value)));
        let numbers: Vec<_> = (1..16).chain([17, 18]).filter_map(number).collect();
        set(&numbers.iter().map(|(ty, value)| (*ty, &value[..])).collect::<Vec<_>>())
    };
    for value in [0, 1, 999, 12_345, 1 << 31] {
        say(plain, 0, &[(8, &[numbers(value), set(&[(16, b"bbr\0")])].concat())]);
    }
    say(plain, 0, &[(8, &set(&[(1, &n(0x7ffe)), (10, &n(u32::MAX)), (4, &n(8001)), (13, &n(999))]))]);
    say(plain, 0, &[(8, &set(&[(12, &n(1))]))]);
    say(plain, 0, &[(8, &set(&[(12, &n(7)), (1, &n(1 << 12))]))]);
    say(plain, 0, &[(12, &words(&[1, 200, 3000, 0xffff_fffb, 5, 6, 7, 8]))]);
    say(plain, 0, &[(12, &words(&[0, 0, 0xffff_f000, 5, 0, 0, 0, 8]))]);
    say([10, 0, 0, 0, 254, 2, 0, 1], 0, &[(12, &words(&[0, 0, 99, 0, 0, 0, 0, 0])), (23, &n(55))]);
    say(plain, 0, &[(20, &[5]), (26, &[1])]);
    say(plain, 0, &[(26, &[0]), (3, &n(1)), (4, &n(77))]);
    say(plain, 0, &[(20, &[3]), (16, &n(15)), (25, &n(5))]);
    for realms in [0x5_0003, 0x5_0000, 7] {
        say(plain, 0, &[(11, &n(realms)), (16, &n(16))]);
    }
    say(plain, 0, &[(27, &[6]), (28, &[0, 5]), (29, &[0, 6])]);
    // Ways: a flag for each, none of the devices there.
    let way = |flags: u8, weight: u8, attributes: &[u8]| {
        let len = u16::try_from(8 + attributes.len()).expect("short");
        [&len.to_ne_bytes()[..], &[flags, weight], &n(0), attributes].concat()
    };
    let ways = [way(0xff, 255, &[]), way(0, 0, &set(&[(11, &n(0x1_0002)), (5, &[9, 8, 7, 6])]))].concat();
    say(plain, 0, &[(9, &ways), (30, &n(7))]);
    tunnels(|kind, payload| say(plain, 0, &[(21, &[kind, 0]), (22, payload)]));
}

fn tunnels(mut say: impl FnMut(u8, &[u8])) {
    say(0, &[]);
    say(77, &set(&[(1, &n(5))]));
    say(1, &set(&[(1, &[0, 6, 0x40, 0, 0, 0xc, 0x81, 0]), (2, &[9])]));
    let id: (u16, &[u8]) = (1, &[0, 0, 0, 0, 0, 0, 1, 2]);
    say(2, &set(&[id, (2, &[1, 2, 3, 4]), (3, &[5, 6, 7, 8]), (4, &[9]), (5, &[8]), (6, &[0, 13])]));
    say(4, &set(&[id, (2, &[1; 16]), (3, &[2; 16]), (4, &[9]), (5, &[8]), (6, &[0, 4])]));
    say(2, &set(&[(6, &[0, 9])]));
    say(10, &set(&[(1, &n(5)), (2, &n(1))]));
    say(10, &set(&[(1, &n(5))]));
}

fn rules(mut say: impl FnMut([u8; 8], u32, Attributes<'_>)) {
    let v4 = |to, from, tos, table, action| [2, to, from, tos, table, 0, 0, action];
    let plain = v4(0, 0, 0, 254, 1);
    say(plain, 0, &[]);
    say(v4(0, 0, 0, 0, 1), 0, &[]);
    say(v4(0, 0, 0, 0, 0), 0, &[]);
    say(v4(3, 32, 0x28, 0, 1), 0, &[(6, &n(77)), (1, &[1, 2, 3, 4]), (2, &[1, 2, 3, 4]), (15, &n(2000))]);
    for action in (0..12).filter(|action| *action != 10) {
        say(v4(0, 0, 0, 254, action), 0, &[(4, &n(88))]);
    }
    say(v4(0, 0, 0, 0, 2), 0xff, &[(4, &n(0)), (3, b"xyz\0"), (17, b"abc\0")]);
    say(
        plain,
        0,
        &[
            (10, &n(5)),
            (16, &n(0xff)),
            (19, &[1]),
            (20, &words(&[0, 5])),
            (22, &[6]),
            (23, &[5, 0, 5, 0]),
            (24, &[5, 0, 6, 0]),
            (12, &[0, 0, 0, 0, 0, 0, 0, 9]),
            (14, &n(5)),
            (13, &n(0)),
            (11, &n(0x5_0003)),
            (21, &[4]),
        ],
    );
    say(plain, 0, &[(16, &n(0xff)), (22, &[253]), (11, &n(3)), (21, &[2]), (13, &n(7))]);
    say(plain, 0, &[(16, &n(0)), (22, &[0]), (11, &n(0x3_0000)), (21, &[0]), (14, &n(u32::MAX))]);
    say(plain, 0, &[(10, &n(0)), (16, &n(u32::MAX)), (13, &n(u32::MAX))]);
    say([10, 0, 128, 0, 253, 0, 0, 1], 0, &[(2, &[1; 16]), (19, &[0])]);
    for number in 0..=255 {
        say(plain, 0, &[(22, &[number])]);
    }
}

fn nexthops(mut say: impl FnMut([u8; 4], u32, Attributes<'_>)) {
    let id: (u16, &[u8]) = (1, &[4, 0, 0, 0]);
    say([2, 0, 0, 0], 0, &[]);
    say([2, 33, 77, 0], u32::MAX, &[id, (4, &[]), (11, &[])]);
    say([10, 253, 4, 0], 4, &[id, (6, &[1; 16]), (5, &n(1))]);
    let members = [words(&[5, 0]), words(&[6, 255])].concat();
    say([0; 4], 0, &[id, (2, &members), (3, &[5, 0])]);
    for ticks in [0, 100, 150, 1, 12_345_678] {
        let args = set(&[(1, &[4, 0]), (2, &n(ticks)), (3, &n(101)), (4, &words(&[ticks, 0]))]);
        say([0; 4], 0, &[id, (2, &words(&[5, 0])), (3, &[1, 0]), (12, &args)]);
    }
    tunnels(|kind, payload| say([2, 0, 0, 0], 0, &[id, (7, &[kind, 0]), (8, payload), (5, &n(1))]));
}
