package io.ztunnel.hbone.header;

/// Which characters a header value may hold to be read as text.
final class HeaderChars {

    private HeaderChars() {}

    /// Visible ASCII, space and tab.
    static boolean areText(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if ((c < ' ' && c != '\t') || c > '~') {
                return false;
            }
        }
        return true;
    }
}
