// Words of the page's language; base.js holds them.

export const t = (text, values) => window.dongting.t(text, values);
export const load = () => window.dongting.loadWords();
