import own from '../package.json' with { type: 'json' }

/** The version of this offpeak. */
export const VERSION: string = own.version
