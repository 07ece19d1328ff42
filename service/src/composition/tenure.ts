import type { Policy } from '#policy'
import { systemTicker, type Ticker } from '#revocation'
import type { Tokens } from '#tokens'
import { fault } from '../faults.ts'

/** How long what is built from a catalogue decides for: until another takes its place, and a moment longer. */
export interface Tenure {
  /** Throws `service.configuration_replaced` once it is over. */
  check(): void
  /** Another has taken the place. */
  end(): void
}

/**
 * Requests that had begun may be decided so long after an edit (milliseconds). What they are given then was issued at most so
 * long after the entries of the feed, and ends by them: a good deal less than `ISSUED_BEFORE_MARGIN_MS`.
 */
const GRACE_MS = 3000

/** Whoever sends the head of a request and keeps its body back until after an edit gets nothing of before. */
export function createTenure(ticker: Ticker = systemTicker): Tenure {
  let endedAt = Infinity
  return {
    check() {
      if (ticker.elapsed() - endedAt > GRACE_MS) throw fault.configuration_replaced()
    },
    end() {
      endedAt = Math.min(endedAt, ticker.elapsed())
    },
  }
}

/** Our tokens, for one deployment: it issues while it may decide. */
export function tokensWithin({ check }: Tenure, tokens: Tokens): Tokens {
  return {
    ...tokens,
    root(login) {
      check()
      return tokens.root(login)
    },
    async mint(claims) {
      check()
      return tokens.mint(claims)
    },
    async mintTransaction(claims) {
      check()
      return tokens.mintTransaction(claims)
    },
  }
}

/** The policy of one deployment, while it may decide. */
export function policyWithin({ check }: Tenure, policy: Policy): Policy {
  return {
    decide(subject, target) {
      check()
      return policy.decide(subject, target)
    },
  }
}
