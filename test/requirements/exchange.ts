import type { Requirement } from './requirement.ts'

const order = 'test/flow/exchange-order.test.ts'
const exchange = 'test/flow/exchange.test.ts'
const subAgents = 'test/flow/exchange-sub-agents.test.ts'
const outcomes = 'test/flow/outcomes.test.ts'
const orchestrator = 'test/flow/sub-agents.test.ts'
const subAgentsConsent = 'test/flow/sub-agents-consent.test.ts'
const transaction = 'test/flow/transaction-tokens.test.ts'
const corp = 'test/flow/subject-corp.test.ts'
const stepUp = 'test/flow/step-up.test.ts'
const clients = 'test/flow/client-authentication.test.ts'
const introspection = 'test/flow/introspection.test.ts'
const revocation = 'test/flow/revocation.test.ts'
const replicas = 'test/flow/revocation-two-replicas.test.ts'
const stopped = 'test/flow/stopped-agents.test.ts'
const edits = 'test/flow/catalogue-edit.test.ts'
const walk = 'test/flow/the-walk.test.ts'
const scenarios = 'test/flow/scenarios.test.ts'
const registration = 'test/flow/registration.test.ts'
const rotation = 'test/flow/key-rotation.test.ts'
const server = 'test/flow/authorization-server.test.ts'
const ends = 'test/flow/refresh-ends.test.ts'
const forgedRequests = 'test/forgeries/exchange.ts'
const forgedTokens = 'test/forgeries/tokens.ts'
const forgedTransactions = 'test/forgeries/transaction.ts'
const participants = 'service/src/broker/participants.test.ts'
const subjects = 'service/src/broker/subjects.test.ts'
const scopes = 'service/src/broker/exchange-scopes.test.ts'
const cache = 'service/src/broker/credential-cache.test.ts'
const lineage = 'service/src/tokens/lineage.test.ts'
const tokens = 'service/src/tokens/tokens.test.ts'
const verifier = 'server-sdk/src/verifier.test.ts'
const accessToken = 'protocol/src/access-token.test.ts'
const chain = 'protocol/src/chain.test.ts'
const kinds = 'protocol/src/jwt-kinds.test.ts'
const assertion = 'protocol/src/client-assertion.test.ts'
const idToken = 'protocol/src/id-token.test.ts'
const idJag = 'protocol/src/id-jag.test.ts'
const jwtGrant = 'protocol/src/jwt-grant.test.ts'
const dpop = 'protocol/src/dpop-proof.test.ts'
const transactionKind = 'protocol/src/transaction-token.test.ts'
const introspected = 'protocol/src/introspection-response.test.ts'
const securityEvent = 'protocol/src/security-event.test.ts'
const logout = 'protocol/src/logout-token.test.ts'
const attestation = 'protocol/src/client-attestation.test.ts'
const requestObject = 'protocol/src/request-object.test.ts'
const response = 'protocol/src/authorization-response.test.ts'
const statement = 'protocol/src/software-statement.test.ts'
const revocables = 'protocol/src/revocables.test.ts'
const lifetimes = 'test/lifetimes.test.ts'

const inOrder = [order, '$first.name before $second.name'] as const

/** The steps of the exchange, in their order: the first failure of each, and that an earlier one wins. */
const steps: readonly Requirement[] = [
  {
    section: 'RFC 8693 §2.1, step 1',
    sentence: 'A POST of one form of at most 64 KiB, no parameter twice, nothing in the query.',
    tests: [
      inOrder,
      [order, 'the form'],
      [exchange, 'is a POST: the same by another method is answered with how to ask'],
      [exchange, 'with two scopes'],
      [forgedRequests, 'a body of more than 64 KiB'],
      [forgedRequests, 'the target in the query'],
      [forgedRequests, 'a JSON body'],
    ],
  },
  {
    section: 'RFC 6749 §5.2, step 2',
    sentence: 'A client that does not prove who it is: 401 invalid_client.',
    tests: [
      [order, 'the client'],
      [clients, 'an assertion with %s is refused'],
      [forgedRequests, 'a wrong secret'],
      [forgedRequests, 'an assertion for the second time'],
    ],
  },
  {
    section: 'RFC 6749 §5.2, step 3',
    sentence: 'A client that may not exchange: unauthorized_client, whatever else it sends.',
    tests: [
      [order, 'whether it may exchange'],
      [exchange, 'that is an agent without leave to'],
      [exchange, 'that is the gateway'],
      [subAgents, 'by an agent that may not exchange'],
    ],
  },
  {
    section: 'RFC 8693 §2.1, step 4',
    sentence: 'Types that are unknown, and an actor token without a type or the reverse: invalid_request.',
    tests: [
      [order, 'the shape of the request'],
      [exchange, 'with the type of an actor token alone'],
      [exchange, 'with an actor token that has no type'],
      [exchange, 'with any JWT'],
      [exchange, 'for a refresh token'],
      [transaction, 'nor is an access token taken that is declared as %s'],
    ],
  },
  {
    section: 'RFC 8693 §2.2.2, step 5',
    sentence: 'Resource and audience lead to one target that the caller has an edge to: else invalid_target.',
    tests: [
      [order, 'the target'],
      [exchange, 'that nobody knows'],
      [exchange, 'that is two APIs by key'],
      [exchange, 'that is an API of another server'],
      [subAgents, 'to an agent that is none of its sub-agents'],
    ],
  },
  {
    section: 'RFC 8693 §2.2.2, step 6',
    sentence: 'A subject token that does not hold: invalid_request, not told apart.',
    tests: [
      [order, 'the subject token'],
      [exchange, 'with another signature'],
      [exchange, 'that is an ID token'],
      [exchange, 'that has expired'],
      [exchange, 'that is not valid yet'],
      [exchange, 'in the same words, whatever is wrong with it'],
      [subAgents, 'in the same words as every other subject token'],
    ],
  },
  {
    section: 'DESIGN §1, step 7',
    sentence: 'Only who received a token, or whose own it is, presents it.',
    tests: [
      [order, 'who presents it'],
      [exchange, 'that was for another server'],
      [exchange, 'that is token 1 of this server’s mount'],
      [subAgents, 'of a token whose client it is and whose actor it is not'],
      [subAgents, 'of a token whose actor it is and whose client it is not'],
    ],
  },
  {
    section: 'RFC 9449 §5, step 8',
    sentence: 'A bound subject token takes a proof.',
    notYet: 'tokens are not bound to keys: one that says it is, is refused ("that is bound to a key")',
  },
  {
    section: 'RFC 8693 §2.1, step 9',
    sentence: 'An actor token is valid, issued to the caller, of another than the subject, without a chain.',
    notYet:
      'who acts is the client that authenticated: actor tokens are refused as a shape ("with an actor token")',
  },
  {
    section: 'RFC 8693 §4.4, step 10',
    sentence: 'may_act names the new actor: issuer, subject, and client where it says one.',
    tests: [
      [order, 'who may act on it'],
      [exchange, 'on which another party may act'],
      [subjects, 'somebody of the same name at another issuer is named'],
      [subAgents, 'of a token on which the sub-agent alone may act: it is not this one’s to hand on'],
    ],
  },
  {
    section: 'DESIGN §1, step 11',
    sentence: 'A chain that is too long, or in which the caller acted: invalid_request.',
    tests: [
      [order, 'the chain'],
      [exchange, 'with no depth left'],
      [exchange, 'with eight actors'],
      [exchange, 'in which the caller acted before'],
    ],
  },
  {
    section: 'DESIGN §4, invariant 8, step 12',
    sentence: 'The grant lives, is this user’s and agent’s, and everybody in the chain takes part.',
    tests: [
      [order, 'the grant'],
      [exchange, 'whose grant has expired'],
      [exchange, 'whose grant was revoked'],
      [exchange, 'of a user who is gone'],
      [exchange, 'of an agent that is gone'],
      [exchange, 'through a server that is gone'],
    ],
  },
  {
    section: 'DESIGN §8, between steps 12 and 13',
    sentence: 'The policy is asked before a scope is looked at: access_denied.',
    tests: [
      [order, 'the policy'],
      [exchange, 'no rule permits nothing'],
      [exchange, 'a forbid wins'],
      [subAgents, 'by the policy that permits one of the two agents alone'],
    ],
  },
  {
    section: 'RFC 6749 §3.3, step 13',
    sentence: 'Scopes are what token, grant, consent and catalogue all lead to; none left: invalid_scope.',
    tests: [
      [order, 'the scope'],
      [exchange, 'that the target does not know'],
      [exchange, 'that is all there is, which is nothing'],
      [exchange, 'that the grant holds and the token does not'],
      [
        scopes,
        'whatever is asked for, nothing is issued that token, grant, catalogue and consent do not all lead to',
      ],
    ],
  },
  {
    section: 'RFC 9396, step 13',
    sentence: 'Authorization details are reduced by type.',
    notYet: 'there are no authorization details',
  },
  {
    section: 'DESIGN §4, invariant 2, step 14',
    sentence:
      'A new token ends with the subject token and the grant at the latest; under ten seconds is none.',
    tests: [
      [order, 'the time left'],
      [exchange, 'that ends in nine seconds'],
      [exchange, 'whose grant ends in nine seconds'],
      [exchange, 'gives nothing that outlives the token presented'],
      [exchange, 'gives nothing that outlives the grant'],
    ],
  },
  {
    section: 'RFC 9470 §3, step 15',
    sentence: 'A sign-in that is too weak or too old: insufficient_user_authentication, and what is asked.',
    tests: [
      [order, 'how the user signed in'],
      [outcomes, 'gets none when they signed in %s'],
      [outcomes, 'believes the token alone, whatever the request says'],
    ],
  },
  {
    section: 'CIBA, step 16',
    sentence: 'What a person has to approve is answered with consent_required until they did.',
    notYet: 'nothing asks for approval by a person yet; consent_required is answered for consent alone',
  },
  {
    section: 'DESIGN §4, invariant 5, step 17',
    sentence: 'On record first, then signed: new jti, the same txn, sub, auth_time and acr.',
    tests: [
      [exchange, 'is on record, with what it gives and who acted, before it is signed'],
      [exchange, 'that cannot be put on record is refused, and nothing is signed'],
      [
        exchange,
        'answers with a token for one API, in the name of the user, with the caller in front of the chain',
      ],
      [exchange, 'a grant revoked while the record is written yields no token, and the record says so'],
    ],
  },
]

/** C1 to C15. */
const chains: readonly Requirement[] = [
  {
    section: 'RFC 8693 §4.1, C1',
    sentence: 'Every actor says issuer and subject; two are one when both are the same to the letter.',
    tests: [
      [chain, 'without an issuer'],
      [chain, 'that is a client alone, which is no name of an actor'],
      [chain, 'tells apart the same name at two issuers'],
    ],
  },
  {
    section: 'RFC 8693 §4.1, C2',
    sentence: 'The current actor is the outermost one.',
    tests: [[chain, 'of one actor is that of the agent who presents it']],
  },
  {
    section: 'RFC 8693 §4.1, C3',
    sentence: 'A chain grows at the front, by who acts, and never because a token was received.',
    tests: [
      [chain, 'grows at the front alone: every actor before stays as it was, in its place'],
      [subAgents, 'the token is for that one, who alone may act, at that mount; nobody has acted yet'],
      [walk, 'every hop has a token of its own, and the chain grows by who acts'],
    ],
  },
  {
    section: 'DESIGN §4, invariant 3, C4',
    sentence: 'Nothing but the exchange writes act and may_act.',
    tests: [
      [exchange, 'takes no claim from the request'],
      [exchange, 'takes no claim that the token presented has beyond our own'],
      [registration, 'a right by what it writes beside'],
      [idJag, 'says for whom, for what, and bound to which key; an act in it says nothing'],
    ],
  },
  {
    section: 'DESIGN §1, C5',
    sentence: 'Every actor costs one of the depth; at none left, a token goes no further.',
    tests: [
      [lineage, 'a token with no remaining depth goes no further, however short its chain'],
      [orchestrator, 'to eight actors: the last of them hands to nobody, and calls nothing'],
      [chain, 'nested deeper than the bound is refused before its actors are compared'],
    ],
  },
  {
    section: 'DESIGN §1, C6',
    sentence: 'Nobody acts twice, by whatever spelling, and the user never does.',
    tests: [
      [chain, 'never holds an actor twice, wherever they stand and whatever client they name'],
      [chain, 'tells apart two actors of one client by their own names'],
      [subAgents, 'back to an agent that acted before'],
      [exchange, 'in which the user acts'],
    ],
  },
  {
    section: 'RFC 8693 §4.4, C7',
    sentence: 'may_act is one party, never a list, and never copied to the next token.',
    tests: [
      [accessToken, 'a may_act that is a list'],
      [lineage, 'a may_act is not handed on'],
      [exchange, 'is for the one party that may act, %s, and the token it gives names nobody'],
      [subAgents, 'where nobody may act on it'],
    ],
  },
  {
    section: 'RFC 8693 §4, C8',
    sentence: 'A foreign token that holds act and may_act is refused.',
    notYet: 'no foreign token is exchanged: it is of another issuer, and refused ("of another issuer")',
  },
  {
    section: 'DESIGN §4, invariant 2, C9',
    sentence: 'Scope, target, end and depth only shrink; who the user is and how they signed in stay.',
    tests: [
      [lineage, 'nothing grows, and who the user is never changes'],
      [
        lineage,
        'nor where agents hand on between their acts: not the end, the depth, the chain, the user, nor the mount',
      ],
      [corp, 'has that id for `sub` and ours beside it, names the same person as before, and ends its chain'],
    ],
  },
  {
    section: 'RFC 8417 §2.2, C10',
    sentence: 'One txn of at least 122 random bits for the whole chain; every jti is new.',
    tests: [
      [lineage, 'every login begins a transaction of its own, which nobody guesses'],
      [lineage, 'the worked chain: every hop has its own audience, client, scope and one actor more'],
      [
        tokens,
        'once it was revoked itself, or a token it came from, and the calls under way with it are told',
      ],
    ],
  },
  {
    section: 'DESIGN §4, invariant 8, C11',
    sentence: 'Grant, user, actors and edge are asked anew at every hop.',
    tests: [
      [subAgents, 'once the grant is revoked'],
      [subAgents, 'from an agent that the catalogue does not let hand on'],
      [orchestrator, 'the user takes the grant back'],
      [orchestrator, 'the user takes the hand-over back, and keeps the agent'],
    ],
  },
  {
    section: 'DESIGN §8, C12',
    sentence: 'The policy is asked about the whole chain where tokens are issued.',
    tests: [
      [
        participants,
        'the policy is asked about the user by id, name and groups, and about every agent, outermost first',
      ],
      [orchestrator, 'where every agent of the chain is permitted'],
    ],
  },
  {
    section: 'DESIGN §6, C13',
    sentence: 'An unknown issuer is refused, never stripped and accepted.',
    tests: [
      [exchange, 'of another issuer'],
      [participants, 'an agent of another issuer'],
      [forgedTokens, 'an agent of another issuer'],
    ],
  },
  {
    section: 'DESIGN §6, C13, accept_act',
    sentence: 'A configured issuer’s chain is kept or dropped as the configuration says.',
    notYet: 'no other issuer’s token is exchanged yet',
  },
  {
    section: 'DESIGN §6, C14',
    sentence: 'A token of another domain keeps its chain.',
    notYet: 'no token is issued for or by another domain yet',
  },
  {
    section: 'RFC 8725 §3.11, C15',
    sentence: 'A token of more than 8 KiB, or an actor’s name of more than 256 characters, is refused.',
    tests: [
      [verifier, 'longer than the bound, though signed'],
      [chain, 'names of 256 characters are as long as they may be'],
      [forgedTokens, 'an actor with a name that is too long'],
    ],
  },
]

const mistakes: readonly Requirement[] = [
  {
    section: 'RFC 8693 §3, mistakes',
    sentence: 'An access token is not accepted under the type of another kind, nor the reverse.',
    tests: [
      [exchange, 'with an ID token'],
      [exchange, 'that is an ID token'],
      [transaction, 'declared as an access token'],
      [transaction, 'that is an access token for this server, under the type'],
    ],
  },
  {
    section: 'OIDC Core §3.1.3.7, mistakes',
    sentence: 'An ID token of another client is none of this one’s.',
    tests: [
      [idToken, 'for another client'],
      [idToken, 'for us, given to another client'],
    ],
  },
  {
    section: 'RFC 9068 §4, mistakes',
    sentence: 'A sibling that has the same issuer signs nothing for us.',
    tests: [[tokens, 'when another Tetrapod signed it for the same issuer']],
  },
  {
    section: 'RFC 8693 §1.1, mistakes',
    sentence: 'The subject is never an actor.',
    tests: [
      [lineage, 'the user does not act'],
      [verifier, 'the user as an actor'],
      [corp, 'is never signed where the user’s id is an actor’s: %s'],
    ],
  },
  {
    section: 'RFC 8693 §2.1, mistakes',
    sentence: 'An actor token that is unsigned or has expired is refused, as every other is.',
    tests: [[exchange, 'with an actor token']],
  },
  {
    section: 'RFC 8693 §2.1, mistakes, scope',
    sentence: 'No scope asked for is not every scope; who hands on names them.',
    tests: [
      [scopes, 'without a word, all that can be had is issued; who hands on must say what'],
      [subAgents, 'without a scope'],
    ],
  },
  {
    section: 'RFC 8693 §2.1, mistakes, up-scoping',
    sentence: 'An exchange adds no scope.',
    tests: [
      [exchange, 'that the grant holds and the token does not'],
      [subAgents, 'of a scope that the token does not hold'],
      [subAgents, 'for a scope that was not handed over'],
    ],
  },
  {
    section: 'RFC 8693 §2.1, mistakes, target',
    sentence: 'Audience and resource that disagree: invalid_target.',
    tests: [
      [exchange, 'whose audience and resource disagree'],
      [subAgents, 'to a sub-agent and a mount'],
    ],
  },
  {
    section: 'RFC 9068 §3, mistakes',
    sentence: 'No token is issued for two audiences, and none with two is accepted.',
    tests: [
      [exchange, 'that is two APIs by resource'],
      [subAgents, 'to two at once'],
      [verifier, 'several audiences'],
    ],
  },
  {
    section: 'DESIGN §4, invariant 2, mistakes',
    sentence: 'A new token does not outlive its subject token.',
    tests: [
      [exchange, 'gives nothing that outlives the token presented'],
      [subAgents, 'and never for longer than the token that it comes from'],
    ],
  },
  {
    section: 'RFC 7009, mistakes',
    sentence: 'A revoked subject token is refused.',
    tests: [
      [exchange, 'whose login was revoked'],
      [subAgents, 'once the token that it came from is revoked'],
      [transaction, 'that was revoked itself'],
    ],
  },
  {
    section: 'RFC 9449 §7, mistakes',
    sentence: 'A bound subject token is not exchanged as a bearer token.',
    tests: [
      [exchange, 'that is bound to a key'],
      [transaction, 'bound to a key'],
    ],
  },
  {
    section: 'RFC 8693 §4.4, mistakes',
    sentence: 'may_act is not compared by its subject alone.',
    tests: [
      [exchange, 'on which a party of the same name elsewhere may act'],
      [exchange, 'on which another client of the same name may act'],
      [subAgents, 'where one of the same name elsewhere may act on it'],
    ],
  },
  {
    section: 'RFC 8693 §4.1, mistakes',
    sentence: 'However deep an act is, it costs no stack and little time.',
    tests: [
      [chain, 'of %i actors is refused quickly and without a stack'],
      [chain, 'so are chains that no token has room for'],
      [verifier, 'ten thousand actors'],
    ],
  },
  {
    section: 'RFC 8725 §2.4, mistakes',
    sentence: 'A member that is named twice in act is refused.',
    tests: [
      [chain, 'an actor that names a member twice is refused, wherever it stands and whatever it names'],
      [forgedTokens, 'a member twice deep in act'],
    ],
  },
  {
    section: 'RFC 8693 §4.1, mistakes, array',
    sentence: 'An act that is a list is refused.',
    tests: [
      [chain, 'a list of the node'],
      [verifier, 'a list of actors'],
    ],
  },
  {
    section: 'RFC 8693 §2.2.1, mistakes',
    sentence: 'An exchange gives no refresh token.',
    tests: [
      [
        exchange,
        'answers with a token for one API, in the name of the user, with the caller in front of the chain',
      ],
      [
        exchange,
        'by a server that is not ours, with its secret in the body and a catalogue key as the audience',
      ],
      [exchange, 'for a refresh token'],
    ],
  },
  {
    section: 'RFC 8693 §2.2.2, mistakes',
    sentence: 'No answer says which check another’s token failed.',
    tests: [
      [exchange, 'in the same words, whatever is wrong with it'],
      [transaction, 'in the same words, whatever is wrong with it'],
    ],
  },
]

/** The worked chain, and what each of its parties may not. */
const workedChain: readonly Requirement[] = [
  {
    section: 'DESIGN §1, the worked chain',
    sentence: 'User, orchestrator, sub-agent, gateway, server, API: every hop says who acts for whom.',
    tests: [
      [
        orchestrator,
        'which calls as the user, through the gateway to the API: every hop says who acts for whom',
      ],
      [subAgents, 'who uses it at the mount, in front of the agent that handed it over'],
    ],
  },
  {
    section: 'the worked chain, negative',
    sentence: 'The orchestrator does not present the sub-agent’s token.',
    tests: [
      [
        orchestrator,
        'is nothing that anybody else can change into a token of theirs: token for token, each has its own',
      ],
    ],
  },
  {
    section: 'the worked chain, negative, another server',
    sentence: 'Another server does not present what this one received.',
    tests: [
      [exchange, 'that was for this server, by another server'],
      [forgedTokens, 'token 2 of another server as the subject'],
    ],
  },
  {
    section: 'the worked chain, negative, scope',
    sentence: 'The sub-agent gets no scope that was not handed over.',
    tests: [
      [subAgents, 'for a scope that was not handed over'],
      [orchestrator, 'what the orchestrator may do, and did not hand over, the sub-agent may not'],
    ],
  },
  {
    section: 'the worked chain, negative, target',
    sentence: 'The sub-agent gets to no mount but the one it was handed a token for.',
    tests: [
      [subAgents, 'at another mount'],
      [orchestrator, 'is of no use at the gateway, nor at another mount, nor for more'],
    ],
  },
  {
    section: 'the worked chain, negative, twice',
    sentence: 'A party does not put itself into a chain for the second time.',
    tests: [
      [exchange, 'in which the caller acted before'],
      [lineage, 'who acted does not act again'],
    ],
  },
  {
    section: 'the worked chain, negative, revoked',
    sentence: 'The token before was revoked between: nothing comes of the one after.',
    tests: [
      [subAgents, 'once the token that it came from is revoked'],
      [revocables, 'grows along a chain: what ends a token ends all that was exchanged from it'],
    ],
  },
  {
    section: 'the worked chain, negative, inserted',
    sentence: 'No third agent stands between the two that acted.',
    tests: [
      [subAgents, 'with a third agent put between the two that acted'],
      [forgedTokens, 'an actor that nobody knows between those who acted'],
    ],
  },
  {
    section: 'the worked chain, negative, swapped',
    sentence: 'The two that acted do not stand in each other’s place.',
    tests: [[subAgents, 'with the two that acted in each other’s place']],
  },
  {
    section: 'the worked chain, negative, issuer',
    sentence: 'No actor loses its issuer.',
    tests: [
      [forgedTokens, 'an actor without issuer'],
      [verifier, 'an actor without an issuer'],
    ],
  },
  {
    section: 'the worked chain, negative, replayed',
    sentence: 'A token is of no use after the end of the one it came from.',
    tests: [
      [subAgents, 'and never for longer than the token that it comes from'],
      [exchange, 'that has expired'],
    ],
  },
]

const otherwise = [kinds, '$shown, shown as $asked'] as const

const jwtKinds: readonly Requirement[] = [
  {
    section: 'RFC 8725 §3.12',
    sentence: 'No kind of JWT passes for another, each has one validator, and a wrong type is none.',
    tests: [otherwise, [kinds, 'and who must have a type is not read without it']],
  },
  {
    section: 'RFC 9068 §4',
    sentence: 'An access token has its type, one audience, and nothing of an ID token or a logout token.',
    tests: [
      otherwise,
      [accessToken, 'claims or chain, without %s'],
      [accessToken, 'an audience in a list'],
      [accessToken, 'the nonce of an ID token'],
      [accessToken, 'the events of a logout token'],
    ],
  },
  {
    section: 'OIDC Core §2',
    sentence: 'An ID token is for the client alone and never an access token.',
    tests: [
      [idToken, 'for us and another client'],
      [idToken, 'with the scopes of an access token'],
      [idToken, 'is asked for no nonce where we sent none'],
    ],
  },
  {
    section: 'RFC 7523 §3',
    sentence: 'A client assertion is of the client about itself, for the issuer alone, without scopes.',
    tests: [
      [assertion, 'for the token endpoint'],
      [assertion, 'about another party'],
      [assertion, 'without an id'],
      [assertion, 'with a scope, as an access token has'],
    ],
  },
  {
    section: 'ID-JAG §4',
    sentence: 'An ID-JAG is for one issuer and one client, and has all its claims.',
    tests: [
      [idJag, 'for us and another'],
      [idJag, 'given to another client'],
      [idJag, 'without an id'],
      [idJag, 'of our own is not taken back'],
    ],
  },
  {
    section: 'Identity chaining §2',
    sentence: 'The grant of another domain is for us, has an id and an end, and is no other token.',
    tests: [
      [jwtGrant, 'without an id, which could be used again'],
      [jwtGrant, 'for us and another'],
      [jwtGrant, 'with the client of an access token'],
    ],
  },
  {
    section: 'RFC 9449 §4.3',
    sentence: 'A DPoP proof names method, URL and token, and carries no private key.',
    tests: [
      [dpop, 'a private key'],
      [dpop, 'for another method'],
      [dpop, 'for another token'],
      [dpop, 'without an id'],
    ],
  },
  {
    section: 'Transaction tokens §8',
    sentence: 'A transaction token is for the trust domain, names its requester, and is no access token.',
    tests: [
      [transactionKind, 'another trust domain'],
      [transactionKind, 'no requester'],
      [transactionKind, 'an access token'],
      [tokens, 'is no access token, not even to the one who takes it back; nor is an access token one'],
    ],
  },
  {
    section: 'RFC 9701 §5',
    sentence: 'An introspection response is for this resource, and is no token.',
    tests: [
      [introspected, 'for another resource'],
      [introspected, 'with the subject of a token'],
      [introspected, 'with the end of a token'],
    ],
  },
  {
    section: 'RFC 8417 §2',
    sentence: 'A security event has an event and a subject of its own, and neither sub nor exp.',
    tests: [
      [securityEvent, 'with no events'],
      [securityEvent, 'with the subject of a token'],
      [securityEvent, 'with the end of a token'],
    ],
  },
  {
    section: 'OIDC Back-Channel Logout §2.4',
    sentence: 'A logout token has its event, a subject or a session, and no nonce.',
    tests: [
      [logout, 'without events'],
      [logout, 'with the nonce of an ID token'],
    ],
  },
  {
    section: 'Client attestation §5',
    sentence: 'An attestation names client and key; its proof the challenge and us.',
    tests: [
      [attestation, 'without a key'],
      [attestation, 'for another'],
      [attestation, 'without a challenge of ours is a minute old at most'],
    ],
  },
  {
    section: 'RFC 9101 §4',
    sentence: 'A request object has an end, and no request in it.',
    tests: [
      [requestObject, 'without an end'],
      [requestObject, 'with a request object in it'],
    ],
  },
  {
    section: 'JARM §2.1',
    sentence: 'A signed authorization response has an end, is for this client, and is no ID token.',
    tests: [
      [response, 'without an end'],
      [response, 'for us and another client'],
      [response, 'with the nonce of an ID token'],
    ],
  },
  {
    section: 'RFC 7591 §2.3, kinds',
    sentence: 'A software statement says who published it.',
    tests: [[statement, 'is refused (%s) with %j and the header %j']],
  },
]

const times: readonly Requirement[] = [
  {
    section: 'DESIGN, lifetimes',
    sentence: 'No lifetime is longer than the standards’ brief has it, and each is in the documents.',
    tests: [
      [lifetimes, 'an access token'],
      [lifetimes, 'a client assertion'],
      [lifetimes, 'the difference of two clocks'],
      [lifetimes, 'a refresh token that is not used'],
      [lifetimes, 'every lifetime of the documents is where they say it is'],
    ],
  },
  {
    section: 'Transaction tokens §8, lifetime',
    sentence: 'A transaction token lives for a minute.',
    tests: [
      [transactionKind, 'a life of more than a minute'],
      [transaction, 'after its time'],
    ],
  },
  {
    section: 'RFC 6749 §4.1.2, lifetime',
    sentence: 'A code lives for a minute, a login for fourteen days without a use.',
    tests: [
      [server, 'a code is worth nothing after a minute'],
      [ends, 'that rests for fourteen days is over, and not a moment before'],
    ],
  },
  {
    section: 'CIBA, lifetimes',
    sentence: 'Approvals live for fifteen minutes, offline grants for thirty days.',
    notYet: 'there are neither approvals nor grants for an absent user',
  },
]

const consequences: readonly Requirement[] = [
  {
    section: 'design consequence 1',
    sentence: 'Our access tokens are at+jwt, ES256 or Ed25519, for 300 seconds at most and one audience.',
    tests: [
      [server, 'has exactly the claims of a root token'],
      [rotation, 'signs every token of the chain, and every party accepts it'],
      [verifier, 'a forgery is refused by the rule it breaks:'],
    ],
  },
  {
    section: 'design consequence 2',
    sentence: 'A table drives the first failure of every step, with code and status.',
    tests: [[order, '$name alone'], inOrder],
  },
  {
    section: 'design consequence 3',
    sentence: 'invalid_request for a subject token, invalid_target for a target, no refresh token ever.',
    tests: [
      [exchange, 'that is no token'],
      [exchange, 'whatever the token is'],
      [exchange, 'for a refresh token'],
    ],
  },
  {
    section: 'design consequence 4',
    sentence: 'A token stolen from one server is exchanged neither by another nor by an unrelated client.',
    tests: [
      [exchange, 'that was for this server, by another server'],
      [subAgents, 'of what the server behind the mount got'],
      [subAgents, 'to an agent to whom it was not handed'],
    ],
  },
  {
    section: 'design consequence 5',
    sentence: 'A bound token is exchanged with a proof.',
    notYet: 'tokens are not bound to keys; one that says it is, is refused everywhere',
  },
  {
    section: 'design consequence 6',
    sentence: 'For random chains nothing of the child exceeds the parent.',
    tests: [
      [lineage, 'nothing grows, and who the user is never changes'],
      [
        scopes,
        'whatever is asked for, nothing is issued that token, grant, catalogue and consent do not all lead to',
      ],
    ],
  },
  {
    section: 'design consequence 7',
    sentence: 'auth_time, acr, sub and txn never change along a chain.',
    tests: [
      [lineage, 'the worked chain: every hop has its own audience, client, scope and one actor more'],
      [lineage, 'nothing grows, and who the user is never changes'],
    ],
  },
  {
    section: 'design consequence 8',
    sentence: 'Nine actors, seventeen and ten thousand are refused at once, without recursion.',
    tests: [
      [chain, 'of %i actors is refused quickly and without a stack'],
      [chain, 'of eight actors takes no ninth'],
    ],
  },
  {
    section: 'design consequence 9',
    sentence: 'A to B to A, the subject as an actor, and one agent in two spellings are refused.',
    tests: [
      [subAgents, 'back to an agent that acted before'],
      [participants, 'an agent with a client of another name'],
      [participants, 'the gateway by its client id alone'],
    ],
  },
  {
    section: 'design consequence 10',
    sentence: 'No registration, header or request parameter writes act or may_act.',
    tests: [
      [registration, 'a right by what it writes beside'],
      [exchange, 'takes no claim from the request'],
      [transaction, 'what a client sends as a transaction token is neither read nor passed on'],
    ],
  },
  {
    section: 'design consequence 10, providers',
    sentence: 'No ID token and no claim mapper of an identity provider writes act or may_act.',
    notYet: 'nobody signs in at an identity provider yet',
  },
  {
    section: 'design consequence 11',
    sentence: 'A token for one sub-agent is of no use to another, whom the policy permits as well.',
    tests: [
      [
        orchestrator,
        'is of no use to another, whom the agent could have handed it to, nor to any other that may exchange',
      ],
      [subAgents, 'where another may act on it'],
    ],
  },
  {
    section: 'design consequence 12',
    sentence: 'Two tenants never share anything.',
    notYet: 'a deployment serves one company: there are no tenants',
  },
  {
    section: 'design consequence 13',
    sentence: 'A revocation stops new tokens at once and calls in time, with all that came from them.',
    tests: [
      [revocation, 'the CRM and payroll refuse the very tokens they accepted, once their grant is revoked'],
      [replicas, 'stops calls at both within the second, and at the CRM: revoked at %i'],
      [
        introspection,
        'token 1 ends with all that came from it, at every party, and other tokens of the grant go on',
      ],
    ],
  },
  {
    section: 'design consequence 14',
    sentence: 'Introspection by another resource answers {"active":false}, to the letter.',
    tests: [[introspection, 'says nothing of %s']],
  },
]

/** What the issue of this part asks for beyond the standards. */
const delegation: readonly Requirement[] = [
  {
    section: 'DESIGN §6, outcomes',
    sentence: 'Seven outcomes, each with one public answer.',
    tests: [
      [outcomes, 'each outcome has one public answer, on record, and a token in one of them alone:'],
      [outcomes, 'login_required'],
      [outcomes, 'misconfigured'],
      [outcomes, 'unavailable'],
    ],
  },
  {
    section: 'DESIGN §1, sub-agents',
    sentence: 'An orchestrator spawns a sub-agent with less privilege, and the record shows both.',
    tests: [
      [orchestrator, 'whose call is on record with both, for the user and the agent that they let act'],
      [orchestrator, 'to whom the catalogue says: not to another’s sub-agent, not to one that is nobody’s'],
      [subAgentsConsent, 'names them, and whom they hand to themselves'],
    ],
  },
  {
    section: 'DESIGN §1, step-up',
    sentence: 'An API refuses for insufficient scope: the user is asked, and a token with more follows.',
    tests: [
      [stepUp, 'the agent asks its user, who agrees: then it works, and the bank sees user and chain'],
      [stepUp, 'the user disagrees: a clean error, and nothing is granted or paid'],
    ],
  },
  {
    section: 'DESIGN §1, step-up, bounds',
    sentence: 'Beyond closure, agent and mount nobody is asked and nothing is given.',
    tests: [
      [stepUp, 'where no edge leads there, nobody is asked: the tool fails, and says why'],
      [stepUp, 'another server, beside one of its own'],
      [stepUp, 'widens nothing beyond what its caller holds, whatever it names'],
    ],
  },
  {
    section: 'Transaction tokens §7',
    sentence: 'Behind an internal server that is called with a foreign credential the chain arrives whole.',
    tests: [
      [transaction, 'the chain arrives whole at the API'],
      [
        transaction,
        'of the server that it names gives a token for the API, that server in front of the chain',
      ],
    ],
  },
  {
    section: 'Transaction tokens §9',
    sentence: 'By another client, after its time, alone or at another domain it is refused.',
    tests: [
      [transaction, 'by another client'],
      [transaction, 'it is no way in: not at the gateway, not at the API, and nothing to introspect'],
      [transaction, 'of another trust domain'],
      [forgedTransactions, 'a transaction token as the bearer token'],
    ],
  },
  {
    section: 'RFC 9493 §3.2.3',
    sentence: 'An API that reads sub alone gets the user’s id there, and such a token goes no further.',
    tests: [
      [corp, 'has that id for `sub` and ours beside it, names the same person as before, and ends its chain'],
      [corp, 'is exchanged by nobody, also where it is for a server: %s'],
      [corp, 'who is not linked is told where to go, in the words of the tool, and the API hears nothing'],
    ],
  },
  {
    section: 'DESIGN §4, invariant 8, catalogue',
    sentence: 'What leaves the catalogue stops its tokens; a bad edit is located and changes nothing.',
    tests: [
      [edits, 'what an edit leaves out stops at once, with the tokens that were given for it:'],
      [
        edits,
        'that is wrong is refused with every line and column, the old one serves on, and the next one counts',
      ],
      [
        stopped,
        'that an operator stops gets nothing until it may go on: no code, no token, no call, no permission',
      ],
    ],
  },
  {
    section: 'DESIGN §4, model',
    sentence: 'Random users, agents, grants and edits find no token that outgrows its authority.',
    notYet: 'there is no model-based test; each property has one of its own',
  },
  {
    section: 'DESIGN §4, invariant 7',
    sentence: 'The cache is keyed by everything that changes the answer, with one flight for each key.',
    tests: [
      [cache, 'a credential is never shared with a request that differs in its'],
      [cache, 'of fifty at once is obtained once'],
      [cache, 'a remembered credential is not used once'],
    ],
  },
  {
    section: 'DESIGN §1, the walk',
    sentence: 'The API sees who the user is and everybody who acts for them.',
    tests: [
      [scenarios, 'and the API sees who the user is, and everybody who acts for them'],
      [
        scenarios,
        'with a token of its own: neither the agent’s nor the one the server was called with opens the API',
      ],
    ],
  },
]

/** What the standards and the design demand of an exchange and of the chains it makes. */
export const exchangeRequirements: readonly Requirement[] = [
  ...steps,
  ...chains,
  ...mistakes,
  ...workedChain,
  ...jwtKinds,
  ...times,
  ...consequences,
  ...delegation,
]
