import { OffpeakError, show } from './errors.ts'

export const unauthorized = () =>
  new OffpeakError({
    code: 'OFFPEAK_UNAUTHORIZED',
    status: 401,
    message: 'This request needs the token',
    fix: 'Send it as `Authorization: Bearer <token>`; it is in the file `token` of the data folder.'
  })

/** The token is wrong, revoked or expired; the error does not say which. */
export const tokenRefused = () =>
  new OffpeakError({
    code: 'OFFPEAK_UNAUTHORIZED',
    status: 401,
    message: 'This request needs the token, and the one it has is wrong, revoked or expired',
    fix:
      'Send `Authorization: Bearer <token>` with the token in the file `token` of the data folder, or one made with ' +
      '`offpeak token create`. `offpeak token list` shows which have expired.'
  })

/** The whole response is private, and the request has no token. */
export const privateWithheld = () =>
  new OffpeakError({
    code: 'OFFPEAK_UNAUTHORIZED',
    status: 401,
    message: 'This address is private and needs the token, also on this machine',
    fix: 'Send it as `Authorization: Bearer <token>`; it is in the file `token` of the data folder. Or set ' +
      'server.private_reads to open in config.json.'
  })

export const scopeMissing = ({ needed, scope, name }: { needed: string, scope: string, name: string }) =>
  new OffpeakError({
    code: 'OFFPEAK_SCOPE_MISSING',
    status: 403,
    message: `This needs a token of the scope '${needed}'; the token '${name}' has '${scope}'`,
    fix: `Make one with \`offpeak token create NAME --scope ${needed}\`.`
  })

export const forbidden = (message: string) => new OffpeakError({ code: 'OFFPEAK_FORBIDDEN', status: 403, message })

export const tooManyTries = (seconds: number) =>
  new OffpeakError({
    code: 'OFFPEAK_TOO_MANY_TRIES',
    status: 429,
    retryAfter: seconds,
    message: `Too many wrong tokens came from this address: wait ${seconds} s`,
    fix: 'The token is in the file `token` of the data folder.'
  })

export const tokensUnreadable = (
  { file, why, fix = 'Repair the file, or remove it and create the tokens again with `offpeak token create`.', cause }:
    {
      file: string
      why: string
      fix?: string
      cause?: unknown
    }
) =>
  new OffpeakError({
    code: 'OFFPEAK_TOKENS_UNREADABLE',
    status: 500,
    file,
    message: `The tokens in ${file} cannot be used: ${why}`,
    fix,
    cause
  })

export const tokenExists = (name: string) =>
  new OffpeakError({
    code: 'OFFPEAK_TOKEN_EXISTS',
    status: 409,
    message: `There is a token with the name '${name}'`,
    fix: `Revoke it first with \`offpeak token revoke ${name}\`, or take another name.`
  })

export const tokenInvalid = (message: string, fix?: string) =>
  new OffpeakError({ code: 'OFFPEAK_TOKEN_INVALID', status: 422, message, fix })

export const tokenNotFound = (name: string) =>
  new OffpeakError({
    code: 'OFFPEAK_TOKEN_NOT_FOUND',
    status: 404,
    message: `No token has the name ${show(name)}`,
    fix: 'List them with `offpeak token list`.'
  })
