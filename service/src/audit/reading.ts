import { Fault } from '#kernel'
import { fault } from './faults.ts'

/** Whatever fails while the log is read is `audit.unreadable`, unless it is a fault already. */
export async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    throw cause instanceof Fault ? cause : fault.unreadable({ cause })
  }
}
