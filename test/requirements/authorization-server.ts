import type { Requirement } from './requirement.ts'

const server = 'test/flow/authorization-server.test.ts'
const pushed = 'test/flow/pushed-authorization.test.ts'
const refresh = 'test/flow/refresh.test.ts'
const ends = 'test/flow/refresh-ends.test.ts'
const discovery = 'test/flow/discovery.test.ts'
const clients = 'test/flow/client-authentication.test.ts'
const consent = 'test/flow/consent.test.ts'
const signIn = 'test/flow/sign-in.test.ts'
const outcomes = 'test/flow/outcomes.test.ts'
const newerSignIn = 'test/flow/newer-sign-in.test.ts'
const browser = 'test/flow/browser-rules.test.ts'
const anyOrigin = 'test/flow/any-origin.test.ts'
const adapter = 'service/src/oauth/adapter.test.ts'
const issue = 'service/src/oauth/issue.test.ts'
const registration = 'test/flow/registration.test.ts'
const statements = 'test/flow/software-statements.test.ts'
const documents = 'test/flow/metadata-documents.test.ts'
const introspection = 'test/flow/introspection.test.ts'
const metadata = 'service/src/agents/client-metadata.test.ts'
const redirects = 'service/src/agents/redirect-uris.test.ts'
const addresses = 'service/src/egress/addresses.test.ts'
const door = 'service/src/egress/discovered.test.ts'

/** What the standards forbid an authorization server, and demand of it. */
export const authorizationServerRequirements: readonly Requirement[] = [
  {
    section: 'RFC 8414 §3.3',
    sentence:
      'The issuer in the document is the one that its address was built from; another gets no document.',
    tests: [
      [discovery, 'is served for this issuer alone, and every address in it is under it'],
      [server, 'another Host gets nothing'],
      [server, 'no forwarded header changes an address in it'],
    ],
  },
  {
    section: 'RFC 8414 §2',
    sentence: 'Every member is true; what is not offered is not announced.',
    tests: [
      [discovery, 'has no member that is not in this list'],
      [discovery, 'names grants that are answered, and no others are'],
      [server, 'both documents are the same, and every member is pinned'],
    ],
  },
  {
    section: 'RFC 8707 §2',
    sentence: 'A resource that is unknown, malformed or has a fragment is refused with invalid_target.',
    tests: [
      [server, 'a resource nobody knows'],
      [server, 'a mount with %s'],
      [server, 'the URL of the server itself, which only the gateway may have tokens for'],
      [server, 'an API, which only a server may have tokens for'],
    ],
  },
  {
    section: 'RFC 8707 §2',
    sentence: 'A token has one audience: two resources give none.',
    tests: [
      [server, 'two resources'],
      [server, 'gives no token for two resources'],
      [refresh, 'a resource that is %s'],
    ],
  },
  {
    section: 'RFC 8707 §2.2',
    sentence: 'The token request names what was authorized or is refused; there is no audience by default.',
    tests: [
      [server, 'no resource'],
      [server, 'gives no token for %s'],
      [refresh, 'a resource that is %s'],
    ],
  },
  {
    section: 'RFC 9207 §2',
    sentence: 'iss goes with every answer to the agent, success and error.',
    tests: [
      [server, 'not at all when it is good'],
      [server, 'no page allowed where one is needed'],
      [server, 'no page allowed for who is not signed in'],
      [consent, 'a no goes back to the agent as access_denied, with iss and state, and gives nothing'],
      [pushed, 'that led two people to their pages becomes one code, however long they stay there'],
    ],
  },
  {
    section: 'RFC 9068 §2',
    sentence: 'A token has the type at+jwt, one string as its audience, and all required claims.',
    tests: [[server, 'has exactly the claims of a root token']],
  },
  {
    section: 'RFC 7636 §4.4.1',
    sentence: 'No challenge, a plain one, or one whose method is left to a default is refused.',
    tests: [
      [server, 'no PKCE challenge'],
      [server, 'a plain challenge'],
      [server, 'a challenge whose method is left to a default'],
      [server, 'a challenge that is too short'],
      [pushed, 'no PKCE challenge'],
      [pushed, 'a plain challenge'],
    ],
  },
  {
    section: 'RFC 7636 §4.6',
    sentence: 'A wrong verifier, or none, gives no token.',
    tests: [
      [server, 'another verifier'],
      [server, 'no verifier'],
      [
        server,
        'is not spent by any number of wrong verifiers: who guesses one of 256 bits needs more than its minute',
      ],
    ],
  },
  {
    section: 'RFC 9700 §2.1.1',
    sentence: 'No downgrade: a code without a challenge is never given, so no verifier can be shown for one.',
    tests: [[server, 'no PKCE challenge']],
  },
  {
    section: 'RFC 6749 §4.1.2',
    sentence:
      'A code is used once, within a minute, by its client, at its redirect URI; a second use ends its tokens.',
    tests: [
      [server, 'of fifty redemptions at once, exactly one gets a token'],
      [server, 'used twice ends its own login, the token already out included, and nothing else'],
      [server, 'a code is worth nothing after a minute'],
      [server, 'is refused to another client, even at the same redirect URI, and is not spent by it'],
      [server, 'another redirect URI'],
      [
        server,
        'a code that is used again after its minute still ends its login, the token already out included',
      ],
    ],
  },
  {
    section: 'RFC 6749 §3.2.1',
    sentence: 'Who fails to authenticate spends nothing.',
    tests: [
      [server, 'is refused with %s, and is not spent by it'],
      [
        server,
        'is not spent by an agent that tries its secret in the header first, wrongly, and then in the form',
      ],
      [refresh, 'the key of nobody'],
    ],
  },
  {
    section: 'RFC 9126 §2',
    sentence: 'Who pushes authenticates; the request is checked as at the authorization endpoint.',
    tests: [
      [pushed, 'no client authentication'],
      [pushed, 'a redirect URI that is not registered'],
      [pushed, 'a resource nobody knows'],
    ],
  },
  {
    section: 'RFC 9126 §2.1',
    sentence: 'A request_uri within a pushed request is refused.',
    tests: [[pushed, 'a request_uri in it']],
  },
  {
    section: 'RFC 9126 §2.3',
    sentence: 'A request that is too large is answered with 413.',
    tests: [[pushed, 'a state of more than 1 KiB, parameters of more than 4 KiB']],
  },
  {
    section: 'RFC 9126 §4',
    sentence: 'A request_uri is used once, by its client, for a minute; nothing in the query is added to it.',
    tests: [
      [pushed, 'is used once'],
      [pushed, 'used fifty times at once becomes one code'],
      [pushed, 'is nothing to another agent, and is not used up by it'],
      [pushed, 'is worth nothing after a minute'],
      [pushed, 'is all there is: what stands beside it in the query is not read'],
    ],
  },
  {
    section: 'RFC 7523bis §4',
    sentence:
      'An assertion is for the issuer alone, lives five minutes at most, and is used once at any endpoint.',
    tests: [
      [clients, 'the token endpoint as its audience'],
      [clients, 'a second audience'],
      [clients, 'more than five minutes to live'],
      [clients, 'an assertion is accepted once, of twenty at the same time too'],
      [clients, 'the published key taken for a shared secret (HS256) is refused'],
      [pushed, 'an assertion for %s'],
      [pushed, 'an assertion that the token endpoint has seen'],
    ],
  },
  {
    section: 'OAuth 2.1 §4.3.2',
    sentence: 'A refresh never widens what was granted; a narrower one changes nothing for the next.',
    tests: [
      [refresh, 'a wider scope'],
      [refresh, 'a scope of another server'],
      [refresh, 'gives fewer scopes when fewer are asked for, and all of them the next time'],
      [ends, 'is over when its grant had run out, and does not come back with a newer consent'],
      [
        consent,
        'what is taken away on a later page is taken from the tokens that are out, and from the next refresh',
      ],
    ],
  },
  {
    section: 'OAuth 2.1 §4.3.1',
    sentence: 'A refresh token is for the client it was given to.',
    tests: [
      [refresh, 'another agent'],
      [refresh, 'ends nothing when another agent shows it'],
      [adapter, 'shown by another client is not found, and nothing ends'],
    ],
  },
  {
    section: 'RFC 9700 §4.14.2',
    sentence: 'A refresh token is replaced at every use; who shows an old one ends the login.',
    tests: [
      [refresh, 'is another one after every use'],
      [refresh, 'ends its login after that, the newest tokens included, and nothing else'],
      [ends, 'that goes on for a month ends with a token used in its first days'],
    ],
  },
  {
    section: 'RFC 9700 §4.14.2',
    sentence: 'Refreshes side by side, by the same client within ten seconds, get one next token.',
    tests: [
      [refresh, 'used fifty times at once leads to one next one, which works'],
      [refresh, 'is answered with the same next one for ten seconds, and only to its own client'],
    ],
  },
  {
    section: 'RFC 9700 §4.14.2',
    sentence: 'A refresh token ends when it is not used, and with what it stands for.',
    tests: [
      [ends, 'that rests for fourteen days is over, and not a moment before'],
      [ends, 'ends with its grant, and no token lives longer'],
      [ends, 'ends with the revocation of its grant, and a new grant does not bring it back'],
      [ends, 'gives nothing once %s left the configuration, and does not come back with it'],
    ],
  },
  {
    section: 'DESIGN §4, invariant 5',
    sentence: 'No token is signed before it is on record.',
    tests: [
      [issue, 'from a %s is on record before its claims are given'],
      [issue, 'that cannot be put on record is not given: 503, and come again'],
      [issue, 'of a login that ended while it was put on record is not given, and the record says so'],
    ],
  },
  {
    section: 'OAuth 2.1 §2.3.1',
    sentence: 'Redirect URIs are compared as strings, and nothing is redirected to another.',
    tests: [
      [server, 'another port'],
      [server, 'a dot segment'],
      [server, 'an encoded letter'],
      [server, 'nor is the second of two'],
    ],
  },
  {
    section: 'OAuth 2.1 §10',
    sentence: 'No implicit grant, no password grant, no code by other response modes.',
    tests: [
      [server, 'the implicit response type'],
      [server, 'the grant type %s gives no token'],
      [server, 'the response mode form_post: on a page that runs no script and sends no form'],
      [server, 'the response mode fragment'],
    ],
  },
  {
    section: 'OAuth 2.1 §5.1',
    sentence: 'Neither codes nor credentials are taken from a query.',
    tests: [
      [server, 'cannot be sent in the query'],
      [pushed, 'parameters in the query'],
    ],
  },
  {
    section: 'BCP 240 §4.11',
    sentence: 'No open redirect.',
    tests: [
      [server, 'somewhere else'],
      [signIn, 'an address instead of a ticket'],
      [signIn, 'a second destination beside the ticket changes nothing'],
    ],
  },
  {
    section: 'BCP 240 §4.12',
    sentence: '303, never 307, after credentials were sent.',
    tests: [[browser, 'nothing is redirected so that credentials go along: 303, or a page after a form']],
  },
  {
    section: 'BCP 240 §4.2.4',
    sentence: 'No code or state leaks by a referrer.',
    tests: [
      [browser, 'no page tells another origin where it came from'],
      [browser, 'the code is in one address alone, that of the agent'],
    ],
  },
  {
    section: 'BCP 240 §4.16',
    sentence: 'No page can be framed.',
    tests: [
      [browser, 'no page may be framed, kept or read by another origin'],
      [consent, 'runs no script, loads nothing and is framed by nobody'],
      [signIn, 'runs no script, loads nothing, is framed by nobody and is kept by nobody'],
    ],
  },
  {
    section: 'BCP 240 §2.6',
    sentence: 'The authorization endpoint answers no script; what a script may call takes no cookie.',
    tests: [
      [anyOrigin, 'may not call %s'],
      [anyOrigin, 'may call %s from any origin, without cookies'],
      [anyOrigin, 'register themselves there and manage that, without cookies'],
    ],
  },
  {
    section: 'BCP 240 §4.7',
    sentence: 'No request forgery at sign-in and consent.',
    tests: [
      [signIn, 'refuses a form that says no origin'],
      [consent, 'a form of another page, of none, or made up does not count'],
    ],
  },
  {
    section: 'BCP 240 §4.7',
    sentence: 'No session fixation.',
    tests: [
      [signIn, 'is a new one at every sign-in, whatever the browser brought along'],
      [consent, 'a consent page does not count for whoever signed in since'],
      [consent, 'the cookie of one interaction does not answer another'],
    ],
  },
  {
    section: 'OAuth 2.1 §7.5 (consent phishing)',
    sentence: 'Consent shows who asks and where the answer goes, and counts for what it showed.',
    tests: [
      [consent, 'says who asks, for whom, what for, what that reaches, until when and where the answer goes'],
      [
        consent,
        'a page counts for what it showed: where that has changed since, it is shown again and nothing is given',
      ],
    ],
  },
  {
    section: 'RFC 7591 §5',
    sentence: 'No registration obtains another grant or scope.',
    tests: [
      [registration, '%s: neither by asking when it registers nor by using it'],
      [registration, 'a right by what it writes beside'],
      [registration, 'gains nothing by replacing it'],
      [metadata, 'a registration for the grant %s is refused; a document for every server loses it'],
    ],
  },
  {
    section: 'RFC 7591 §2.3',
    sentence: 'A software statement counts only when its issuer is trusted.',
    tests: [
      [
        statements,
        'registers as the statement says, whatever it says itself; and gets the statement back as it was',
      ],
      [statements, 'signed by another key'],
      [statements, 'without a signature'],
      [statements, 'that brings its own key'],
      [statements, 'where anybody may register, one that does not count is refused all the same'],
      [statements, 'is nobody any more once its issuer does not count'],
    ],
  },
  {
    section: 'RFC 7591 §5',
    sentence: 'Redirect URIs: no script, no fragment, no wildcard, no user information.',
    tests: [
      [redirects, 'a script'],
      [redirects, 'data'],
      [redirects, 'a fragment'],
      [redirects, 'a wildcard for a host'],
      [redirects, 'a user name before the host'],
      [redirects, 'dots in disguise'],
      [registration, '%s is refused, and the answer says why'],
    ],
  },
  {
    section: 'RFC 7591 §5',
    sentence: 'What a client calls itself is text, and nobody has checked it.',
    tests: [[registration, 'what it calls itself is text on the page, and nothing more']],
  },
  {
    section: 'RFC 7591 §5',
    sentence: 'Registrations are limited.',
    tests: [[registration, 'is slowed down, with a time to come back']],
  },
  {
    section: 'RFC 7591 §2',
    sentence: 'A key set is inline or at an address, never both, and its address leads to nothing of ours.',
    tests: [
      [registration, 'keys in two places'],
      [
        registration,
        'a rewritten key set does not reach what is configured: its keys are fetched through the other door',
      ],
    ],
  },
  {
    section: 'RFC 7592 §2',
    sentence: 'Unknown client or wrong access token: 401. A deleted client’s tokens die.',
    tests: [
      [
        registration,
        'not where there is none: an id that nobody has is answered like a token that is not its own',
      ],
      [registration, 'a token of nobody'],
      [registration, 'and nobody else’s'],
      [registration, 'ends it: what users permitted, codes and tokens end at once'],
    ],
  },
  {
    section: 'RFC 7592 §2.2',
    sentence: 'An update replaces the registration and its access token.',
    tests: [
      [registration, 'reads and replaces it, with a new token each time it does; the old one is over'],
      [
        registration,
        'keeps its secret when it changes the rest, showing it or not; a wrong one changes nothing',
      ],
    ],
  },
  {
    section: 'CIMD §4',
    sentence: 'A document’s address has a path, no dot segment, no user information, no fragment.',
    tests: [
      [documents, 'without a path'],
      [documents, 'with dots'],
      [documents, 'with dots in disguise'],
      [documents, 'with a user name'],
      [documents, 'with a fragment'],
    ],
  },
  {
    section: 'CIMD §4',
    sentence: 'A document names its own address, to the letter, and holds and wants no shared secret.',
    tests: [
      [documents, 'names another client'],
      [documents, 'names itself in other letters'],
      [documents, 'holds a secret'],
      [documents, 'wants a shared secret'],
      [documents, 'signs with a shared secret'],
    ],
  },
  {
    section: 'CIMD §6',
    sentence: 'No address of special use is fetched, no redirect followed, no body over 5 KiB read.',
    tests: [
      [addresses, '%s is not called'],
      [door, 'refuses a name that leads to %s, and connects to nobody'],
      [door, 'a name is looked up once: what it becomes meanwhile (DNS rebinding) is not asked for'],
      [documents, 'is somewhere else: a redirect is not followed'],
      [documents, 'has more than 5 KiB'],
    ],
  },
  {
    section: 'CIMD §5',
    sentence:
      'Errors and invalid documents are not cached: a refusal is remembered for a minute, against floods.',
    tests: [
      [documents, 'a refusal is kept for a minute, and then the next try is a try'],
      [documents, 'that its host does not describe any more is refused, however good it was before'],
      [documents, 'is kept within bounds of ours when its host says %s'],
    ],
  },
  {
    section: 'CIMD §6',
    sentence: 'Who changes where answers go is agreed to anew.',
    tests: [[documents, 'with other redirect URIs than before, the user is asked again']],
  },
  {
    section: 'RFC 7662 §2.2',
    sentence: 'For another resource a token is {"active":false}, and nothing more.',
    tests: [
      [introspection, 'says nothing of %s'],
      [introspection, 'token 2 to another server'],
      [introspection, 'token 1 to the server behind the mount'],
      [introspection, 'an expired one'],
      [introspection, 'says nothing of a token once its grant was revoked'],
    ],
  },
  {
    section: 'RFC 7662 §2.1',
    sentence: 'Who asks about or revokes a token authenticates.',
    tests: [[introspection, 'answers nobody who does not prove who they are']],
  },
  {
    section: 'RFC 7009 §2.1',
    sentence: 'A token is revoked by the client it was given to; an unknown one is no error.',
    tests: [
      [introspection, 'another client’s token is refused, and goes on'],
      [introspection, 'what is no token of ours, or none any more, is no error and does nothing'],
      [
        introspection,
        'token 1 ends with all that came from it, at every party, and other tokens of the grant go on',
      ],
    ],
  },
  { section: 'RFC 9449', sentence: 'The checks of DPoP proofs.', notYet: 'tokens are not bound to keys' },
  {
    section: 'RFC 8705',
    sentence: 'The checks of certificates.',
    notYet: 'no client authenticates by certificate',
  },
  {
    section: 'RFC 9396',
    sentence: 'Unknown types and fields are refused.',
    notYet: 'there are no authorization details',
  },
  {
    section: 'RFC 9470 §3',
    sentence: 'Who needs another sign-in is told which: acr_values and max_age, as the API asks.',
    tests: [
      [outcomes, 'gets none when they signed in %s'],
      [outcomes, 'says nothing of what it does not ask'],
    ],
  },
  {
    section: 'RFC 9470 §5',
    sentence: 'A token says when and how its user signed in, and a new sign-in that was asked for is in it.',
    tests: [
      [outcomes, 'gets a token when they signed in %s'],
      [
        newerSignIn,
        'a sign-in that is too old for an API is made anew by a login with prompt=login, and by no other',
      ],
    ],
  },
  {
    section: 'RFC 9470 §4',
    sentence: 'An authorization request can ask for a way to sign in, by acr_values.',
    notYet:
      'there is one way to sign in: acr_values of an authorization request are not read, prompt=login is',
  },
]
