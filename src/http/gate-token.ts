/** The Gate is injected under this token; its type is imported as a type only. */
export const GATE = Symbol('GATE');
