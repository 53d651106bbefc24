package io.ztunnel.ca.testkit;

/// What the CA does wrong on purpose, once every check has passed.
public enum CaFault {
    NONE,
    /// `cert_chain: []`
    EMPTY_CHAIN,
    /// The leaf alone.
    NO_ROOT,
    /// A leaf for another service account.
    WRONG_IDENTITY,
    /// A leaf for a key nobody asked about.
    WRONG_KEY,
    /// Valid until a minute ago.
    EXPIRED,
    /// Valid from one hour ahead.
    NOT_YET_VALID,
    /// No PEM at all.
    GARBAGE,
    /// A key where a root should be.
    KEY_IN_ROOT,
    /// A root that did not sign the leaf.
    FOREIGN_ROOT,
    /// All CAs of the chain in one element.
    MIDDLE_IN_ONE_ELEMENT,
    /// A name that is no identity before the right one.
    FOREIGN_NAME_FIRST,
    /// Takes the call and never answers.
    SILENT
}
