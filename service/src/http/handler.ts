import type { IncomingMessage, ServerResponse } from 'node:http'

/** Answers one request. What it throws is answered for it. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>
