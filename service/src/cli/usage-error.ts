/** The command was written wrongly: the sentence says how, the usage follows it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
