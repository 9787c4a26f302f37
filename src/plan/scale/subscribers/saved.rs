//! The places of subscribers as a text.

use super::Subscribers;
use crate::plan::{Handles, Layout};
use crate::units::ParseError;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Queue by queue what [`Handles`] says, and the layouts.
impl<K: Display> Display for Subscribers<K> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.queues.iter().try_for_each(|queue| queue.handles.fmt(f))?;
        self.layouts.values().try_for_each(|layout| writeln!(f, "layout {layout}"))
    }
}

impl<K: Ord + Clone + Display + FromStr> Subscribers<K> {
    /// Takes over the queues, handles and layouts of a text that was printed before, for subscribers that come afterwards. Those that
    /// do not come keep their handles until [`release_others`](Self::release_others).
    ///
    /// # Errors
    /// It is no such text, or of another number of queues.
    pub fn restore(&mut self, text: &str) -> Result<(), ParseError> {
        let mut queues: Vec<String> = Vec::new();
        let mut layouts = Vec::new();
        for line in text.split_inclusive('\n') {
            if let Some(layout) = line.strip_prefix("layout ") {
                layouts.push(layout.trim_end().parse::<Layout>()?);
            } else if line.starts_with("handles ") {
                queues.push(line.to_owned());
            } else {
                let queue =
                    queues.last_mut().ok_or_else(|| ParseError::new(line, "the handles of a queue"))?;
                queue.push_str(line);
            }
        }
        if queues.len() != self.queues.len() {
            return Err(ParseError::new(text, "what was printed of as many queues"));
        }
        let handles = queues.iter().map(|queue| queue.parse()).collect::<Result<Vec<Handles<K>>, _>>()?;
        for (queue, handles) in self.queues.iter_mut().zip(handles) {
            queue.handles = handles;
        }
        self.layouts.extend(layouts.into_iter().map(|layout| (layout.family(), layout)));
        Ok(())
    }

    /// Releases the handles of those that were restored and have not come.
    pub fn release_others(&mut self) {
        for queue in &mut self.queues {
            let gone: Vec<K> = queue
                .handles
                .iter()
                .map(|(key, _)| key.clone())
                .filter(|key| !self.all.contains_key(key))
                .collect();
            gone.iter().for_each(|key| _ = queue.handles.release(key));
        }
    }
}
