/** A failure that the person at the terminal can mend: the message is all they need, a stack is not. */
export class Problem extends Error {
  override readonly name = 'Problem'
}
