//! The property of text: what is read prints, and reads as it was printed.

use tcnl::command::{Command, Script, Tool};

/// Takes the text for one command, for a script, and for a batch of either program.
pub fn check(text: &str) -> Result<(), String> {
    if let Ok(command) = text.parse::<Command>() {
        let printed = command.to_string();
        same(text, &printed, printed.parse::<Command>())?;
    }
    let scripts =
        [Script::parse(text), Script::parse_batch(Tool::Tc, text), Script::parse_batch(Tool::Ip, text)];
    scripts.into_iter().flatten().try_for_each(|script| {
        let printed = script.to_string();
        same(text, &printed, Script::parse(&printed))
    })
}

fn same<T: ToString, E: ToString>(text: &str, printed: &str, again: Result<T, E>) -> Result<(), String> {
    match again.map(|again| again.to_string()).map_err(|error| error.to_string()) {
        Ok(again) if again == printed => Ok(()),
        other => Err(format!("{text:?} reads as {printed:?}, and that as {other:?}")),
    }
}
