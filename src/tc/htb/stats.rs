use crate::text::{Page, Show};

layout! {
    /// What an HTB class has counted beside the common statistics.
    pub struct HtbStats = "tc_htb_xstats" {
        /// Packets sent within the class's own rate.
        pub lends: u32,
        /// Packets sent with tokens borrowed from the parent.
        pub borrows: u32,
        /// Unused since HTB works with segmentation offload.
        pub giants: u32,
        /// Tokens on account of the rate, in ticks; negative when in debt.
        pub tokens: i32,
        /// Tokens on account of the ceil, in ticks; negative when in debt.
        pub ctokens: i32,
    }
}

/// Two lines below the counters, each with its break.
impl Show for HtbStats {
    fn show(&self, page: &mut Page) {
        let HtbStats { lends, borrows, giants, tokens, ctokens } = *self;
        page.field("lended", lends, format_args!(" lended: {lends} "));
        page.field("borrowed", borrows, format_args!("borrowed: {borrows} "));
        page.field("giants", giants, format_args!("giants: {giants}"));
        page.line();
        page.field("tokens", tokens, format_args!(" tokens: {tokens} "));
        page.field("ctokens", ctokens, format_args!("ctokens: {ctokens}"));
        page.line();
    }
}
