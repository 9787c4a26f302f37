use super::raw::{Message, Naming};
use super::{Ack, Connection, Protocol};
use crate::error::{Error, Result};
use crate::netfilter::{
    attribute_at, described, flowtables, Flows, FoundTable, Listed, Listing, Transaction,
};

/// For [`netfilter`](crate::netfilter). All of it needs a connection that was opened with [`Protocol::Netfilter`], and is
/// [`Error::Invalid`] on another.
impl Connection {
    /// Carries out a transaction: all of it takes effect, or nothing. One without commands sends nothing.
    ///
    /// It is one datagram, which must fit the socket's send buffer: `net.core.wmem_default` is enough for about 500 rules.
    ///
    /// # Errors
    /// [`Error::Encode`] with the first command that makes no sense: nothing was sent. [`Error::Refused`] with the first command that
    /// the kernel refused, its errno and its words: nothing was changed. [`Error::Overrun`] if it refused hundreds: nothing was changed
    /// either. [`Error::Io`] with EMSGSIZE if the transaction is too long. And see [`request`](Connection::request) for answers that do
    /// not come: whether it took effect is then not known.
    pub fn commit(&mut self, transaction: &Transaction) -> Result<()> {
        let summary = || transaction.summary();
        self.speaks(Protocol::Netfilter).map_err(|failure| failure.error(summary))?;
        if transaction.is_empty() {
            return Ok(());
        }
        let bytes = transaction.to_bytes()?;
        // The first message is the beginning of the batch: what is said of that is said of the whole.
        let command = |index: usize| transaction.commands().get(index.checked_sub(1)?);
        let one = |index, _: &Message<'_>| command(index).map_or_else(summary, ToString::to_string);
        let naming = Naming { whole: &|_| summary(), one: &one, attribute: &attribute };
        self.transact_named(&bytes, &naming, |_| ())?.into_iter().try_for_each(|result| result.map(drop))
    }

    /// Reads a table of the family `inet` with its chains and rules, all as they were at one moment; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if nf_tables changed in every one of [`Connection::TRIES`] tries; [`Error::Decode`] if something of the
    /// table cannot be understood; and see [`request`](Connection::request).
    pub fn nft_table(&mut self, name: &str) -> Result<Option<FoundTable>> {
        let text = || format!("nft list table inet {name}");
        self.speaks(Protocol::Netfilter).map_err(|failure| failure.error(text))?;
        let naming = Naming { whole: &|_| text(), one: &|_, _| text(), attribute: &attribute };
        for _ in 0..Self::TRIES {
            let mut listing = Listing::new(name);
            let questions = listing.questions();
            let mut ask =
                |question: &Vec<u8>| self.dump_named(question, &naming, |message| listing.take(message));
            match questions.iter().try_for_each(&mut ask) {
                Ok(()) => (),
                Err(Error::Interrupted { .. }) => continue,
                Err(error) => return Err(error),
            }
            match listing.finish() {
                Ok(Listed::Table(table)) => return Ok(table),
                Ok(Listed::Changed) => (),
                Err(source) => return Err(Error::Decode { object: "table of nf_tables", source }),
            }
        }
        Err(Error::Interrupted { what: text(), tries: Self::TRIES })
    }

    /// Makes the kernel forget connections. The next packet of one begins a new one, which is routed and translated anew.
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn delete_flows(&mut self, flows: &Flows) -> Result<Ack> {
        let text = || format!("conntrack --delete {flows}");
        self.speaks(Protocol::Netfilter).map_err(|failure| failure.error(text))?;
        let naming = Naming { whole: &|_| text(), one: &|_, _| text(), attribute: &|_, _| None };
        let results = self.transact_named(&flows.delete(), &naming, |_| ())?;
        results.into_iter().next().unwrap_or_else(|| Ok(Ack::default()))
    }

    /// Counts connections. Memory does not grow with their number; while they come and go, the count is not exact.
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn count_flows(&mut self, flows: &Flows) -> Result<u64> {
        let text = || format!("conntrack --list {flows}");
        let mut count = 0;
        self.dump_as(&flows.list(), &text, |message| count += u64::from(flows.includes(message)))?;
        Ok(count)
    }

    /// Counts connections of several kinds, in the order of the kinds. The kernel goes through all that it knows once, and not once for
    /// each: with many places in its table that is what takes time. See [`count_flows`](Connection::count_flows).
    ///
    /// # Errors
    /// See [`request`](Connection::request).
    pub fn count_each_flows(&mut self, kinds: &[Flows]) -> Result<Vec<u64>> {
        let text = || "conntrack --list".to_owned();
        let mut counts = vec![0; kinds.len()];
        self.dump_as(&Flows::list_all(), &text, |message| {
            if let Some((family, mark)) = described(message) {
                let kinds = kinds.iter().map(|kind| u64::from(kind.has(family, mark)));
                counts.iter_mut().zip(kinds).for_each(|(count, one)| *count += one);
            }
        })?;
        Ok(counts)
    }

    /// Whether there is a flowtable in any family: connections in it pass rules and marks by. Kernels before 4.16 have none.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if nf_tables changed in every one of [`Connection::TRIES`] tries; and see
    /// [`request`](Connection::request).
    #[doc(alias = "NFT_MSG_GETFLOWTABLE")]
    pub fn has_flowtable(&mut self) -> Result<bool> {
        let text = || "nft list flowtables".to_owned();
        for _ in 0..Self::TRIES {
            let mut found = false;
            match self.dump_as(&flowtables::list(), &text, |message| found |= flowtables::is_one(message)) {
                Ok(()) => return Ok(found),
                Err(Error::Interrupted { .. }) => (),
                // What nfnetlink says of messages that the kernel does not know.
                Err(error) if error.errno() == Some(nix::libc::EINVAL) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Interrupted { what: text(), tries: Self::TRIES })
    }

    /// Lists what errors name as this command.
    fn dump_as(&mut self, request: &[u8], text: &dyn Fn() -> String, each: impl FnMut(&[u8])) -> Result<()> {
        self.speaks(Protocol::Netfilter).map_err(|failure| failure.error(text))?;
        let naming = Naming { whole: &|_| text(), one: &|_, _| text(), attribute: &|_, _| None };
        self.dump_named(request, &naming, each)
    }
}

fn attribute(&(header, body): &Message<'_>, offset: usize) -> Option<&'static str> {
    attribute_at(header.ty, body, offset)
}
