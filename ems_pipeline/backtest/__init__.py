"""A home lived through again: planned in every quarter-hour from what was known then, obeyed by arithmetic, paid for.

No database, no scheduler, no sockets: history comes in as arrays, money goes out by day.

    history      what happens, and what is known of prices when
    issued       forecasts as they would have been issued
    closed_loop  plan, obey, meter, slot after slot
    exact        the same decisions from what stored energy is worth
    weighed      that worth over several courses, slots of an issue together
    along        and along one forecast, backwards from the end
    stored       there, as a convex function in pieces
    courses      and where it is none, as the least of several
    bounds       what no planner can beat, and what needs none
    intervals    money by day, and how sure its sums are

Studies: homes x months x variants.

    study        what is asked; variants are patches of sites
    imported     history from files; that of the warehouse is read by `steps.studying`
    month        a month of a home under its variants
    settled      what was lived, by the audit's own rule
    pool         months in processes of their own
    paired       two variants on the same days
    what_if      an owner's question as a study
    payback      what a study says to it: money a year, and when an investment is back

The live planner, its challenger, and what was lost:

    recorded     a day lived through anew from stored problems
    promotion    when a challenger may take over
    regret       what a day cost more than it had to, part by part
"""
