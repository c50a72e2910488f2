"""Node fills of Hyperliquid: from raw JSON lines to an episode.

One pass over the stream, in memory that grows with accounts and ADL fills, never with lines.

- :mod:`.sequence` sorts files, :mod:`.lines` unpacks and splits, :mod:`.decode` reads a line, :mod:`.order`
  joins lines to blocks and puts them in order;
- :mod:`.stream` keeps prices and cuts rounds, :mod:`.drafts` gathers a round, :mod:`.rounds` builds it;
- :mod:`.snapshot` and :mod:`.books` keep the accounts on their :mod:`.margins`, :mod:`.misc` and
  :mod:`.ledger` what moves their cash, :mod:`.two_pass` the haircuts;
- :mod:`.tally` counts every event by kind, :mod:`.reconcile` holds the books against a second snapshot,
  :mod:`.roles` names vaults and liquidators, :mod:`.report` tells it all.

Conventions, where the files leave a choice:

- A round is a run of ADL fills with gaps of at most 5,000 ms; times are those of the blocks.
- The price of a market is the px of its latest fill; an ADL fill sets it to its markPx.  With
  ``adl_prices="fill"`` it sets it to its own px, as in the published figures: where no trade follows, that
  makes every haircut 0.
- An account is a margin: of a user on the venue's own perpetuals (``0xabc``), on a dex of others
  (``0xabc@xyz``), or of one isolated position (``0xabc#BTC``).  Each has its own equity, PNL, capacity and
  deficit.  An isolated position takes and gives back margin as it grows and shrinks; a loss beyond its
  margin is the venue's.  One that is opened after the snapshot counts as cross.
- Winners are the accounts with an ADL fill in the round; PNL, equity and positions are those before their
  first one, at the prices before the round: who is in the list is known ex post.
- The flow is by market and side of the losers, with quantity and mark.  It has no closing price: with it the
  round would say the needed budget, which is known only after it.
- The deficit is the sum over losers of max(-least equity, 0), valued at the price of each ADL fill.
- A snapshot has the fills and misc events up to its time in it already.  They are counted and not booked;
  their ADL fills are reported and make no round.  Where the time is not known (neither the file's ``time``
  nor the option ``--clearinghouse-time`` says it), all are booked, and the episode's notes say so.
- Without a snapshot neither equity nor deficit is known.  Equity is then set to PNL (so capacity is PNL+) and
  the deficit to the needed budget, and the episode's source says so.

What may be wrong with a file, and what happens:

- a line or event that cannot be read: left out, counted, listed with file, line and reason;
- an LZ4 frame that ends early or is damaged, a cut last line: reported, what came before is kept;
- a misc event of a kind that is not known, or whose money has no known way: counted, listed and not applied;
- a line whose events were seen before, or a block too late for the reordering buffer: left out and reported;
  blocks a little out of order are put back in order and counted;
- times in s, ms, us or ns: converted and counted; a time that runs back over a minute: left out and reported;
- a part of a file (NAME.part-aa, ...) that is missing: refused;
- a second position of an account in a market of the snapshot, or a second value: the first is kept, reported;
- a line over 64 MiB: left out and reported; a file that unpacks 100 : 1 or beyond 64 GiB: refused;
- more than half of the lines unusable, or no ADL fill: refused.
"""
