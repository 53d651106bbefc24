package io.ztunnel.tls;

/// Whether a tunnel may go on, as [TlsContexts#standing] finds it.
public sealed interface Standing {

    /// It may.
    record Firm() implements Standing {}

    /// It takes no more streams; those it has may finish.
    ///
    /// @param why for the log
    record Leaving(String why) implements Standing {}

    /// It ends now, with all its streams.
    record Ended(CredentialsEnded cause) implements Standing {}

    Standing FIRM = new Firm();
}
