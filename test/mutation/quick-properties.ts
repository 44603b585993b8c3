import * as fc from 'fast-check';

/** Properties under mutation: always the same values, so that a score can be had again, and no search for the smallest counter-example. */
fc.configureGlobal({ seed: 20_449, endOnFailure: true, interruptAfterTimeLimit: 100 });
