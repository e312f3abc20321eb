//! The rules of the protocol, each a switch: a scenario can be explored without one of them.

/// Declares the rules with their names in plain words.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $rule:ident,)+) => {
        /// A rule of the protocol. A scenario that is explored without it must have a
        /// counterexample.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $rule,)+
        }

        impl Rule {
            /// All rules, in the order of an exchange.
            pub const ALL: &[Rule] = &[$(Rule::$rule,)+];

            /// The rule in words.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Rule::$rule => concat!($($doc,)+),)+
                }
            }
        }
    };
}

rules! {
    /// The intent is committed before the request is sent.
    IntentFirst,
    /// One intent is for one request: no lower layer sends it again.
    OneRequestPerIntent,
    /// A claim looks for open intents, and comes back later if one's holder may be alive.
    LookForOpenIntents,
    /// The insert of an intent asks for the generation and the state again.
    IntentChecksRow,
    /// The insert of an intent asks the ledger again: a presentation has one number.
    PresentationIsUnique,
    /// A PostgreSQL claim is a lock that is held until the store.
    ClaimIsLocked,
    /// An intent is orphaned only when its holder is known to be dead; its age proves nothing.
    HolderMustBeDead,
    /// Silence is what the observer itself watched; the difference of two clock times decides
    /// nothing.
    SilenceIsWatched,
    /// A process that was silent, or stalled after its intent, does not send the request.
    StalledSendsNothing,
    /// A token whose answer was lost is presented again only when the first request cannot be under
    /// way any more.
    ReplayWaits,
    /// An exchange goes on when the order that asked for it stops waiting.
    ExchangeGoesOn,
    /// A stop waits for exchanges that are under way.
    StopWaits,
    /// The successor is durable before its access token is used.
    StoreBeforeUse,
    /// A successor that the database does not take goes to the spool.
    SpoolAfterFailure,
    /// A write to the spool that failed is tried again.
    SpoolIsTriedAgain,
    /// After a shared store that the database refused, each of its answers is stored by itself.
    StoredByItself,
    /// A store changes nothing if the row has another generation by now.
    StoreChecksGeneration,
    /// A store recognises the row that it wrote itself, when the outcome of the commit was unknown.
    StoreRecognisesItself,
    /// A store asks for no state: a late successor replaces a rejection of the token it was
    /// exchanged for.
    LateSuccessorCounts,
    /// Only `invalid_grant` ends a token: no other answer, and no missing one.
    OnlyRejectionEnds,
    /// A rejection counts for the generation that was presented, while the own intent is open.
    RejectionIsOfThisGeneration,
    /// A token that died after a lost answer has the reason `answer_lost`; its user is not blamed.
    LossIsTold,
    /// A token is presented only to the provider that issued it.
    OwnProviderOnly,
    /// Too many rejections in a row stop the merchant.
    StreakStops,
    /// After a start, tokens of a merchant are exchanged one at a time until one was granted.
    OneAtATimeAtFirst,
    /// The encrypted token of a rejected row stays, so that the row can become active again.
    RejectedTokenStays,
    /// A token that is known and registered again changes nothing.
    KnownTokenChangesNothing,
    /// A token that another row holds is refused.
    OneGrantOneRow,
    /// An older sign-in does not replace a newer one.
    NewestSignInWins,
    /// Forgetting keeps the generation: it never starts again.
    TombstoneKeepsGeneration,
    /// A start stores the contents of the spool before it counts as its predecessor's successor.
    SpoolReplayedFirst,
    /// A spool file is removed only after the database has its contents.
    FileRemovedLast,
    /// A process is recorded as ended only if it holds nothing: not while a spool file is left.
    EndHoldsNothing,
    /// A copied instance folder is refused at start.
    CopiedFolderRefused,
    /// A start is refused after a restore, until `tokens after-restore` has run.
    RestoreIsNoticed,
    /// A start in a new instance folder is refused if the database's last process has neither ended
    /// nor lives.
    NewFolderRefused,
    /// After a restore, a spooled successor is compared by arrival, not by generation.
    ArrivalDecidesAfterRestore,
    /// After a restore, a successor that arrived before the row's token is superseded.
    LaterArrivalStays,
    /// `tokens resolve` decides about a token only when no spool file is left.
    ResolveAfterSpools,
    /// Each claim of an order has a number, and each write of a worker names it.
    ClaimNumberFences,
    /// The mark "create sent" is committed before the request is sent.
    MarkBeforeCreate,
    /// The mark is committed by itself if the token's store went to the spool.
    MarkAfterSpooledToken,
    /// An order that is taken over before its create was sent is no possible duplicate.
    MarkTellsSent,
    /// An order that is taken over after its create was sent is a possible duplicate.
    TakeoverIsFlagged,
    /// An order whose create got no answer is a possible duplicate.
    LostCreateIsFlagged,
    /// A worker that was silent commits the mark again before it sends, and the mark renews its
    /// heartbeat.
    MarkAgainAfterSilence,
    /// A result is written until the database takes it, whatever error it answers.
    ResultIsNeverGivenUp,
    /// A result that the database does not take goes to the spool.
    ResultsHaveASpool,
    /// A start stores the spooled results before it takes over its predecessor's orders.
    ResultsReplayedFirst,
    /// A late result settles its order, if no later claim has sent a create.
    LateResultSettles,
}
