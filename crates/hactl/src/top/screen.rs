//! The terminal: taken, drawn on, and given back as it was, also after a panic. Keys and signals become inputs.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{SignalKind, signal};

use super::change::Answer;
use super::look::Look;
use super::model::{Ask, Input, Model};
use super::{INPUTS_MAX, key, view};

/// Times are shown in seconds.
const TICK: Duration = Duration::from_secs(1);

/// Has keys and signals sent to `inputs`, each by a thread that ends with the process.
pub(super) fn listen(inputs: &SyncSender<Input>) {
    let keys = inputs.clone();
    std::thread::spawn(move || {
        while let Some(input) = next_input() {
            if keys.send(input).is_err() {
                return;
            }
        }
        // The terminal is gone; where nobody listens any more, so is the program.
        let _ = keys.send(Input::End);
    });
    let ends = inputs.clone();
    std::thread::spawn(move || {
        if told_to_end().is_ok() {
            let _ = ends.send(Input::End);
        }
    });
}

fn next_input() -> Option<Input> {
    let event = event::read().ok()?;
    // What is neither a key nor its own input has the screen drawn anew, as another size needs.
    let key = if let Event::Key(event) = &event { key::pressed(event) } else { None };
    Some(key.map_or(Input::Tick, Input::Key))
}

fn told_to_end() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut term, mut hangup) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
        tokio::select! {
            _ = term.recv() => {}
            _ = hangup.recv() => {}
        }
        Ok(())
    })
}

/// Shows the model until it is over.
pub(super) fn show(
    model: Model,
    look: Look,
    inputs: &Receiver<Input>,
    asks: &SyncSender<Ask>,
) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let shown = live(&mut terminal, model, look, inputs, asks);
    // Where the cursor is decides which lines a terminal keeps that was made larger meanwhile: none of ours.
    let homed = terminal.set_cursor_position((0, 0));
    let restored = ratatui::try_restore();
    shown.and(homed).and(restored)
}

fn live(
    terminal: &mut DefaultTerminal,
    mut model: Model,
    look: Look,
    inputs: &Receiver<Input>,
    asks: &SyncSender<Ask>,
) -> io::Result<()> {
    let started = Instant::now();
    while !model.over {
        terminal.draw(|frame| {
            let room = view::draw(&model, look, started.elapsed(), frame.buffer_mut());
            model.drawn(room);
        })?;
        let first = match inputs.recv_timeout(TICK) {
            Ok(input) => input,
            Err(RecvTimeoutError::Timeout) => Input::Tick,
            // Its senders live as long as the process.
            Err(RecvTimeoutError::Disconnected) => Input::End,
        };
        // What waits already is taken in before it is drawn.
        for input in std::iter::once(first).chain(inputs.try_iter().take(INPUTS_MAX)) {
            for ask in model.take(input, started.elapsed()) {
                send(&mut model, asks, ask, started.elapsed());
            }
        }
    }
    Ok(())
}

/// A change that cannot be asked for is said; an explanation is asked for again with the next status.
fn send(model: &mut Model, asks: &SyncSender<Ask>, ask: Ask, now: Duration) {
    let Err(error) = asks.try_send(ask) else { return };
    let (std::sync::mpsc::TrySendError::Full(ask) | std::sync::mpsc::TrySendError::Disconnected(ask)) = error;
    if let Ask::Change(change) = ask {
        let answer = Answer::Refused("hactl has not answered what was asked before".to_owned());
        model.take(Input::Answered(change, answer), now);
    }
}
