import * as fc from 'fast-check'

/** A property is tried once per change: on fewer examples than in the tests, and on the same ones each time. */
fc.configureGlobal({ numRuns: 25, seed: 7 })
