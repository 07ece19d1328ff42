/** A request as it arrived, whatever carried it here. */
export interface Received {
  readonly method: string
  /** The request target (RFC 9112 §3.2): a path and a query, or whatever else was sent. */
  readonly target: string
  /** Every value of a header field, by its name in lower case. What was sent twice is two values, or one that holds a comma. */
  readonly header: (name: string) => readonly string[]
}
