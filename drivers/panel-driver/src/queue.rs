use std::collections::VecDeque;

use crate::{Busy, Command, CommandId};

/// What kinds of work a session tells apart, and thereby in which order it takes them.
pub trait CommandClass: PartialEq {
    /// The kind that a command is.
    fn of(command: &Command) -> Self;
}

/// Commands that wait in a session, in the order in which they came. What is more than it holds is [`Busy`].
#[derive(Debug)]
pub struct CommandQueue {
    waiting: VecDeque<(CommandId, Command)>,
    most: usize,
}

impl CommandQueue {
    /// An empty one that holds so many.
    #[must_use]
    pub fn holding(most: usize) -> Self {
        Self { waiting: VecDeque::new(), most }
    }

    /// Lets a command wait.
    ///
    /// # Errors
    /// [`Busy`] with the command, when it is full.
    pub fn push(&mut self, id: CommandId, command: Command) -> Result<(), Busy> {
        if self.waiting.len() >= self.most {
            return Err(Busy(command));
        }
        self.waiting.push_back((id, command));
        Ok(())
    }

    /// Takes the first waiting command of that class.
    pub fn take<C: CommandClass>(&mut self, class: C) -> Option<(CommandId, Command)> {
        let at = self.waiting.iter().position(|(_, command)| C::of(command) == class)?;
        self.waiting.remove(at)
    }

    /// Whether a command of that class waits.
    #[must_use]
    pub fn has<C: CommandClass>(&self, class: C) -> bool {
        self.waiting.iter().any(|(_, command)| C::of(command) == class)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes everything.
    pub fn take_all(&mut self) -> VecDeque<(CommandId, Command)> {
        std::mem::take(&mut self.waiting)
    }
}
